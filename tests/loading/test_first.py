"""`modelcache load --first`: a nearer store, and the hub for models that it lacks."""

import shutil
from pathlib import Path

import pytest

from tests.loading.loading import REPOSITORY, Loader
from tests.store.models import sharded


@pytest.fixture
def nearer(loading: Loader, tmp_path: Path) -> Path:
    """A store that another loader filled; the record of the hub's requests is empty."""
    assert loading.run().returncode == 0
    shutil.copytree(loading.store, tmp_path / "claim", symlinks=True)
    shutil.rmtree(loading.store)
    loading.store.mkdir()
    return tmp_path / "claim" / "acme--tiny"


@pytest.mark.parametrize("revision", ["", "@{commit}"])
def test_a_model_of_a_nearer_store_is_not_requested_from_the_hub(
    loading: Loader, nearer: Path, revision: str
) -> None:
    source = REPOSITORY + revision.format(commit=loading.commit)
    asked = len(loading.hub.requests())
    place = nearer / (loading.commit if revision else "main")
    done = loading.run(f"--first=file://{place}", source=source)
    assert done.returncode == 0, done.stderr
    loading.see_whole()
    assert len(loading.hub.requests()) == asked
    assert (loading.place.parent / "main").exists() is not bool(revision)


def test_a_model_that_it_lacks_is_requested_from_the_hub(loading: Loader, tmp_path: Path) -> None:
    done = loading.run(f"--first=file://{tmp_path / 'claim' / 'acme--tiny' / 'main'}")
    assert done.returncode == 0
    assert f"main: has another model, or none; trying hf://{REPOSITORY}@main" in done.stderr
    loading.see_whole()


def test_another_model_there_is_not_taken_for_it(loading: Loader, tmp_path: Path) -> None:
    other = sharded(tmp_path / "other", 1)
    done = loading.run(f"--first=file://{other}")
    assert done.returncode == 0
    expected = f"file://{other}: has another model, or none; trying hf://{REPOSITORY}@main"
    assert expected in done.stderr
    loading.see_whole()


def test_another_commit_there_is_not_taken_for_it(loading: Loader, nearer: Path) -> None:
    files: dict[str, bytes | Path] = {path.name: path for path in loading.model.iterdir()}
    newer = loading.hub.commit(REPOSITORY, files | {"more.json": b"{}"})
    done = loading.run(f"--first=file://{nearer / 'main'}", source=f"{REPOSITORY}@{newer}")
    assert done.returncode == 0
    assert (
        f"the source now has commit {loading.commit}, not the one that was asked for; trying "
        in done.stderr
    )
    assert (loading.place.with_name(newer) / "more.json").exists()


def test_a_corrupt_model_there_is_requested_from_the_hub(loading: Loader, nearer: Path) -> None:
    (shard, *_) = (nearer / loading.commit).glob("*.safetensors")
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    done = loading.run(f"--first=file://{nearer / 'main'}")
    assert done.returncode == 0, done.stderr
    loading.see_whole()
