"""The table of sources: each row is complete, and every program follows it."""

import contextlib
import inspect
import tomllib
from collections.abc import Iterator

import pytest

from tests.cli.command import ROOT, modelcache
from webhook.admission.reading import DECLARED
from webhook.loading.origins.origin import Access, Origin
from webhook.loading.origins.sources import named, origin_class
from webhook.models.catalogue import Catalogue
from webhook.models.schemes import REMOTE, SCHEMES, Scheme
from webhook.models.source import parse_source
from webhook.rendering.wanted import wanted

EXAMPLES = {
    "hf": "hf://acme/tiny@v1",
    "s3": "s3://bucket/tiny",
    "gs": "gs://bucket/tiny",
    "https": "https://example.com/tiny.safetensors",
    "oci": "oci://example.com/tiny:v1",
    "ollama": "ollama://library/tiny:1b",
    "file": "file:///models/tiny",
}


def rows(schemes: tuple[Scheme, ...] = SCHEMES) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scheme", schemes, ids=[scheme.name for scheme in schemes])


def test_each_name_is_there_once_and_has_an_example_here() -> None:
    assert [scheme.name for scheme in SCHEMES] == list(EXAMPLES)


@rows()
def test_a_row_shows_what_its_sources_look_like(scheme: Scheme) -> None:
    assert scheme.form.lstrip("[").startswith(f"{scheme.name}://")
    assert all((scheme.files, scheme.commit, scheme.credentials))


@rows()
def test_a_source_gets_the_origin_that_its_row_names(scheme: Scheme) -> None:
    with contextlib.closing(named(EXAMPLES[scheme.name], Access()).origin) as origin:
        assert type(origin) is origin_class(scheme)
        for name, method in inspect.getmembers(Origin, inspect.isfunction):
            if not name.startswith("_"):
                there = inspect.signature(getattr(type(origin), name))
                assert list(there.parameters) == list(inspect.signature(method).parameters)


@rows(tuple(scheme for scheme in SCHEMES if scheme.extra))
def test_an_extra_can_be_installed_and_built_into_the_image(scheme: Scheme) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert scheme.extra in project["optional-dependencies"]
    lock = f"requirements-{scheme.extra}.lock"
    assert (ROOT / lock).is_file()
    assert f"--output-file {lock}" in (ROOT / "Makefile").read_text()
    assert lock in (ROOT / "Dockerfile").read_text()


@rows()
def test_the_help_of_load_names_every_source(scheme: Scheme, helped: str) -> None:
    assert scheme.form in helped


@pytest.fixture(scope="module")
def helped() -> str:
    return modelcache("load", "--help", env={"COLUMNS": "1000"}).out


@rows()
def test_a_pod_may_name_every_source_but_a_directory_of_a_machine(scheme: Scheme) -> None:
    assert (f"`{scheme.name}://`" in DECLARED["model"].values) is not scheme.local
    with refused("has a scheme that is not one of ") if scheme.local else contextlib.nullcontext():
        assert parse_source(EXAMPLES[scheme.name]).uri.startswith(f"{scheme.name}://")


@rows(tuple(REMOTE.values()))
def test_jobs_are_rendered_for_every_source_that_a_pod_may_name(scheme: Scheme) -> None:
    assert wanted(EXAMPLES[scheme.name], Catalogue()).text == EXAMPLES[scheme.name]


@contextlib.contextmanager
def refused(said: str) -> Iterator[None]:
    with pytest.raises(ValueError, match=said):
        yield
