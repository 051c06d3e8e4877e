"""Quantisations of one repository, next to each other in one store."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.loading.loading import Loader
from tests.store.models import gguf
from webhook.models.layout import node_label
from webhook.store.contents import published_models

NAMES = ("tiny-Q4_K_M.gguf", "tiny-Q8_0.gguf", "config.json", "README.md")


def committed(loading: Loader, names: Sequence[str] = NAMES) -> str:
    files: dict[str, bytes | Path] = {}
    for elements, name in enumerate(names, 64):
        place = loading.store.parent / name
        files[name] = gguf(place, [(2, elements)]) if name.endswith(".gguf") else b"{}"
    return loading.hub.commit("acme/tiny-GGUF", files)


def test_two_quantisations_lie_next_to_each_other(loading: Loader) -> None:
    commit = committed(loading)
    asked = {"Q4_K_M": NAMES[0], "q8_0": NAMES[1]}
    for tag, file in asked.items():
        done = loading.run(source=f"acme/tiny-GGUF:{tag}")
        assert done.returncode == 0, done.stderr
        place = loading.store / f"acme--tiny-GGUF--{tag}" / commit
        assert {p.name for p in place.iterdir() if p.is_file()} == {
            file, "config.json", ".modelcache.json"
        }  # fmt: skip
        assert (place / "models--acme--tiny-GGUF" / "snapshots" / commit / file).exists()
        manifest = json.loads((place / ".modelcache.json").read_text())
        assert manifest["source"] == f"hf://acme/tiny-GGUF:{tag}@main"
    found = published_models(loading.store)
    assert {model.name for model in found} == {f"acme/tiny-GGUF:{tag}" for tag in asked}
    assert {model.label for model in found} == {
        node_label(f"acme/tiny-GGUF:{tag}", commit) for tag in asked
    }


def test_a_pinned_quantisation_is_not_looked_for_again(loading: Loader) -> None:
    commit = committed(loading)
    assert loading.run(source=f"acme/tiny-GGUF:Q8_0@{commit}").returncode == 0
    before = len(loading.hub.requests())
    assert loading.run(source=f"acme/tiny-GGUF:Q8_0@{commit}").returncode == 0
    assert len(loading.hub.requests()) == before


def test_a_file_is_loaded_by_its_name(loading: Loader) -> None:
    commit = committed(loading)
    done = loading.run("--file", NAMES[1], source="acme/tiny-GGUF")
    assert done.returncode == 0, done.stderr
    assert (loading.store / f"acme--tiny-GGUF--{NAMES[1]}" / commit / NAMES[1]).exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("acme/tiny-GGUF", "GGUF in several quantisations, Q4_K_M (0.0Gi), Q8_0 (0.0Gi): name one"),
        ("acme/tiny-GGUF:Q5_0", "has no quantisation Q5_0, only Q4_K_M"),
        ("acme/tiny:Q5_0", ":Q5_0 names a quantisation, and it has no GGUF files"),
    ],
)
def test_the_quantisations_that_are_there_are_named(
    loading: Loader, source: str, said: str
) -> None:
    committed(loading)
    done = loading.run(source=source)
    assert done.returncode == 1
    assert said in done.stderr
