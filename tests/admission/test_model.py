"""How a model is resolved: annotations win over the catalogue, which wins over the store's layout."""

from typing import Any

import pytest

from tests.admission.admitting import cached_model, entry_of
from webhook.admission.request.model import Model
from webhook.admission.request.resolve import resolve
from webhook.models.catalogue import Catalogue
from webhook.models.layout import node_label
from webhook.values.quantity import Quantity

COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMAGE = "example.com/coder@sha256:" + "ab" * 32
CATALOGUE = Catalogue(
    [
        entry_of(cached_model("coder", "acme/coder", size="3Gi", image=IMAGE, status={"revision": COMMIT})),
        entry_of(cached_model("manual", "acme/manual", directory="teams/manual")),
        entry_of(cached_model("pinned", "acme/pinned@v1", size="1Gi")),
    ]
)  # fmt: skip


def one(text: str, **given: Any) -> Model:
    models, problems = resolve([text], CATALOGUE, **given)
    assert problems == []
    return models[0]


@pytest.mark.parametrize(
    ("asked", "directory", "size"),
    [
        ("coder", f"acme--coder/{COMMIT}", "3Gi"),
        ("acme/coder", f"acme--coder/{COMMIT}", "3Gi"),
        ("acme/coder@main", f"acme--coder/{COMMIT}", "3Gi"),
        (f"acme/coder@{COMMIT}", f"acme--coder/{COMMIT}", "3Gi"),
        ("acme/coder@v2", "acme--coder/v2", None),
        ("manual", "teams/manual", None),
        ("acme/manual", "teams/manual", None),
        ("pinned", "acme--pinned/v1", "1Gi"),
        ("acme/pinned@v1", "acme--pinned/v1", "1Gi"),
        ("acme/pinned@v2", "acme--pinned/v2", None),
        ("acme/unlisted", "acme--unlisted/main", None),
        ("phi-2", "microsoft--phi-2/main", "5559367680"),
        ("microsoft/phi-2", "microsoft--phi-2/main", "5559367680"),
    ],
)
def test_directory_and_size(asked: str, directory: str, size: str | None) -> None:
    model = one(asked)
    assert model.directory == directory
    assert model.size == (None if size is None else Quantity.parse(size))


def test_oci_digest_is_no_path_with_a_colon() -> None:
    model = one("oci://example.com/coder@sha256:" + "ab" * 32)
    assert model.directory.endswith("/sha256-" + "ab" * 32)


def test_annotations_win_over_the_catalogue() -> None:
    other = "example.com/other@sha256:" + "cd" * 32
    model = one(
        "coder",
        directories=["mine"],
        sizes=[Quantity.parse("4Gi")],
        images=[other],
        mount_paths=["/m"],
    )
    assert (model.directory, model.size, model.image, model.mount_path) == (
        "mine",
        Quantity.parse("4Gi"),
        other,
        "/m",
    )


def test_only_a_commit_in_the_stores_layout_has_a_label() -> None:
    assert one("coder").label == node_label("acme/coder", COMMIT)
    assert one("acme/coder@v2").label is None
    assert one("coder", directories=["mine"]).label is None
    assert one("s3://bucket/coder").label is None


@pytest.mark.parametrize(
    ("asked", "given", "code", "said"),
    [
        (["code"], {}, "MC002", 'did you mean coder? write org/name'),
        (["coder@v1"], {}, "MC002", "a catalogue name has no @v1"),
        (["acme/coder/x"], {}, "MC002", "is not a model"),
        (["coder"], {"sizes": [Quantity.parse("1Gi")]}, "MC003", "1Gi is less than the 3Gi"),
        (["coder", "phi-2"], {"sizes": [Quantity(1)]}, "MC004", "has 1 entries for 2 models"),
        (["coder"], {"mount_paths": ["/a", "/b"]}, "MC004", "has 2 entries for 1 models"),
        (["coder"], {"files": ["a.gguf", "b.gguf"]}, "MC004", "has 2 entries for 1 models"),
    ],
)  # fmt: skip
def test_problem(asked: list[str], given: dict[str, Any], code: str, said: str) -> None:
    _, problems = resolve(asked, CATALOGUE, **given)
    assert [p.code for p in problems] == [code]
    assert said in problems[0].what


def test_t32_size_below_the_model_is_named_in_mebibytes() -> None:
    _, (problem,) = resolve(["llama-3.1-8b-instruct"], CATALOGUE, sizes=[Quantity.parse("8Gi")])
    assert "less than the 15317Mi" in problem.what


def test_each_model_is_there_once_in_order() -> None:
    models, _ = resolve(["acme/a", "acme/b", "hf://acme/a", "acme/a@v1"], CATALOGUE)
    assert [m.asked for m in models] == ["acme/a", "acme/b", "acme/a@v1"]
