"""A Hugging Face cache as a source: what `hf download` left on a claim."""

import hashlib
import json
from pathlib import Path
from typing import Final

import pytest

from tests.cli.command import Ran, modelcache
from tests.store.models import safetensors

COMMIT: Final = "ab" * 20
OTHER: Final = "cd" * 20


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return models--acme--tiny: two commits, of which main is the first."""
    found = tmp_path / "hub" / "models--acme--tiny"
    safetensors(tmp_path / "weights", 4096)
    weights = (tmp_path / "weights").read_bytes()
    for commit, config in ((COMMIT, b"{}"), (OTHER, b"{ }")):
        for name, content in (("config.json", config), ("sub/model.safetensors", weights)):
            small = name.endswith(".json")
            kind = hashlib.sha1 if small else hashlib.sha256
            blob = found / "blobs" / kind(content).hexdigest()
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(content)
            link = found / "snapshots" / commit / name
            link.parent.mkdir(parents=True, exist_ok=True)
            up = "../" * (len(link.relative_to(found).parts) - 1)
            link.symlink_to(f"{up}blobs/{blob.name}")
    (found / "refs").mkdir()
    (found / "refs" / "main").write_text(COMMIT)
    (found / "refs" / "v1").write_text(OTHER)
    return found


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def whole(place: Path, config: str) -> None:
    assert (place / "config.json").read_text() == config
    assert not (place / "sub" / "model.safetensors").is_symlink()
    assert modelcache("verify", place).status == 0


@pytest.mark.parametrize(
    ("behind", "commit", "ref", "config"),
    [
        ("", COMMIT, "main", "{}"),
        ("@v1", OTHER, "v1", "{ }"),
        (f"@{OTHER}", OTHER, None, "{ }"),
        (f"/snapshots/{OTHER}", OTHER, None, "{ }"),
    ],
)
def test_it_is_loaded_as_the_model_that_it_holds(
    cache: Path, store: Path, behind: str, commit: str, ref: str | None, config: str
) -> None:
    ran = modelcache("load", f"file://{cache}{behind}", store)
    assert ran.status == 0, ran.err
    place = store / "acme--tiny" / commit
    whole(place, config)
    manifest = json.loads((place / ".modelcache.json").read_text())
    assert manifest["source"] == f"hf://acme/tiny@{ref or commit}"
    assert {p.name for p in place.parent.iterdir() if p.is_symlink()} == {ref} - {None}


@pytest.mark.parametrize("behind", ["@v2", "@../../x"])
def test_a_revision_that_it_lacks_is_named_with_those_that_it_has(
    cache: Path, store: Path, behind: str
) -> None:
    ran = refused(modelcache("load", f"file://{cache}{behind}", store), store)
    if behind == "@v2":
        assert f"has no snapshot of v2, only main, v1, {COMMIT}, {OTHER}" in ran


def test_a_snapshot_of_a_mirror_may_have_a_name_that_is_no_commit(cache: Path, store: Path) -> None:
    (cache / "snapshots" / COMMIT).rename(cache / "snapshots" / "v7")
    ran = modelcache("load", f"file://{cache}/snapshots/v7", store)
    assert ran.status == 0, ran.err
    whole(store / "acme--tiny" / "v7", "{}")


def test_a_blob_that_is_not_what_its_name_says_is_refused(cache: Path, store: Path) -> None:
    weights = (cache / "snapshots" / COMMIT / "sub" / "model.safetensors").resolve()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    said = refused(modelcache("load", f"file://{cache}", store, "--deadline=5s"), store)
    assert f"but {weights.name} was announced" in said


def test_a_link_out_of_the_cache_is_refused(cache: Path, store: Path, tmp_path: Path) -> None:
    link = cache / "snapshots" / COMMIT / "config.json"
    link.unlink()
    link.symlink_to(tmp_path / "weights")
    assert "leads out of" in refused(modelcache("load", f"file://{cache}", store), store)


def test_a_snapshot_is_copied_as_plain_files(cache: Path, tmp_path: Path) -> None:
    ran = modelcache("copy", cache / "snapshots" / COMMIT, tmp_path / "memory")
    assert ran.status == 0, ran.err
    whole(tmp_path / "memory", "{}")


def test_a_whole_cache_is_copied_as_a_cache(cache: Path, tmp_path: Path) -> None:
    ran = modelcache("copy", cache, tmp_path / "memory")
    assert ran.status == 0, ran.err
    link = tmp_path / "memory" / "snapshots" / COMMIT / "config.json"
    assert link.is_symlink()
    assert link.read_text() == "{}"


def refused(ran: Ran, store: Path) -> str:
    """Check that nothing is published, and return the message."""
    assert ran.status == 1
    assert "Traceback" not in ran.err
    assert not list(store.glob("acme--tiny/*"))
    return ran.err
