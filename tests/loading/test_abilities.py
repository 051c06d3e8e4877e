"""Stores whose file system lacks something: what works, and what is refused before the first byte."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.command import as_another_user, modelcache
from tests.loading.lacking import lacking
from tests.loading.loading import REPOSITORY, Loader
from tests.store.models import manifest, sharded
from tests.store.stores import aged
from webhook.models.layout import INCOMING
from webhook.store.last_use import stamped

Lack = Callable[..., Loader]


@pytest.fixture
def lack(loading: Loader, tmp_path: Path) -> Iterator[Lack]:
    """Mount a file system that lacks something in the place of the store."""
    with ExitStack() as stack:

        def mount(*what: str) -> Loader:
            stack.enter_context(lacking(loading.store, tmp_path / "behind", *what))
            return loading

        yield mount


def names(store: Path) -> set[str]:
    return {path.name for path in store.iterdir()}


def refused(loading: Loader, *flags: str, source: str = REPOSITORY) -> str:
    """Return why a load is refused: before the first byte, and nothing is left."""
    before = loading.fetched()
    done = loading.run(*flags, source=source)
    assert (done.returncode, done.stdout) == (1, "")
    assert loading.fetched() == before
    assert names(loading.store) <= {INCOMING}
    return done.stderr


@pytest.mark.programs
def test_a_file_system_that_lacks_nothing_gets_everything(lack: Lack) -> None:
    loading = lack()
    done = loading.run("--hub-cache")
    assert (done.returncode, done.stderr.count("can't")) == (0, 0), done.stderr
    loading.see_whole()
    assert names(loading.place.parent) == {loading.commit, "main", f".{loading.commit}.used"}


@pytest.mark.programs
@pytest.mark.parametrize("what", ["symlinks", "symlinks, as CIFS says it"])
def test_without_symbolic_links_a_commit_is_loaded(lack: Lack, what: str) -> None:
    loading = lack(what)
    said = refused(loading)
    assert f"{loading.store}: can't have symbolic links (Operation not " in said
    pinned = f"hf://{REPOSITORY}@{loading.commit}"
    assert said.endswith(f"since it moves: load {pinned}, and name that commit in annotations\n")
    done = loading.run(source=pinned)
    assert done.returncode == 0, done.stderr
    assert "no Hugging Face cache" in done.stderr
    loading.see_whole()
    assert modelcache("verify", "--full", loading.place).status == 0
    assert "already" not in loading.run(source=pinned).stderr
    (model,) = json.loads(modelcache("status", loading.store, "-o", "json").out)["models"]
    assert (model["state"], model["hubCache"]) == ("complete", False)
    done = loading.run()
    assert done.returncode == 1, "the name can't be made for a model that is there, either"
    assert f"main: can't lead to the model, which is published at {loading.place}: " in done.stderr
    assert names(loading.place.parent) == {loading.commit, f".{loading.commit}.used"}


@pytest.mark.programs
def test_without_hard_links_a_cache_that_is_demanded_is_refused_first(lack: Lack) -> None:
    loading = lack("hard links")
    said = refused(loading, "--hub-cache")
    assert "no hard link is possible there: " in said
    assert said.endswith(": load it without --hub-cache\n")
    assert loading.run().returncode == 0
    loading.see_whole()


@pytest.mark.programs
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("renames", "can't rename files (Function not implemented), and a loader does that with"),
        ("renames of folders", "can't rename folders (Too many open files), and that publishes a model"),
    ],
)  # fmt: skip
def test_without_renames_a_load_is_refused_first(lack: Lack, what: str, said: str) -> None:
    loading = lack(what)
    for source in (REPOSITORY, f"{REPOSITORY}@{loading.commit}"):
        (line,) = refused(loading, source=source).splitlines()
        assert line.startswith(f"modelcache: {loading.store}: {said}")
    assert names(loading.store) == set()


@pytest.mark.programs
def test_a_store_that_can_not_write_folders_to_the_disk_says_so(lack: Lack) -> None:
    loading = lack("fsync of folders")
    done = loading.run("--hub-cache")
    assert done.returncode == 0, done.stderr
    assert f"{loading.store}: can't write folders to the disk (Invalid argument): " in done.stderr
    loading.see_whole()


@pytest.mark.programs
def test_a_store_that_sets_no_times_records_the_last_use(lack: Lack, tmp_path: Path) -> None:
    loading = lack("times")
    assert loading.run().returncode == 0
    loading.see_whole()
    behind = tmp_path / "behind" / "acme--tiny" / loading.commit
    aged(behind, days=9)
    assert loading.run().returncode == 0
    assert time.time() - (stamped(loading.place) or 0) < 3600


@pytest.fixture
def alike(loading: Loader) -> str:
    """A repository with names that differ in case."""
    files: dict[str, bytes | Path] = {
        "config.json": b'{"a": 1}',
        "Config.json": b'{"b": 2}',
        "unet/config.json": b"{}",
        "Unet/other.json": b"{}",
        "model.safetensors": next(loading.model.glob("*.safetensors")),
    }
    loading.hub.commit("acme/alike", files)
    return "acme/alike"


@pytest.mark.programs
def test_names_that_a_store_can_not_tell_apart_are_found_before_the_first_byte(
    lack: Lack, alike: str
) -> None:
    loading = lack("case")
    said = refused(loading, source=alike)
    assert said == (
        f'modelcache: "Config.json", "config.json": are one name in {loading.store}: leave one out '
        "with --ignore, or load into a file system that tells them apart\n"
    )
    done = loading.run("--ignore=Config.json", source=alike)
    assert done.returncode == 0, done.stderr
    place = Path(done.stdout.partition(": ")[0])
    assert (place / "config.json").read_text() == '{"a": 1}'
    assert (place / "unet" / "other.json").exists(), "two folders that are one lose nothing"


def test_a_store_that_tells_them_apart_gets_both(loading: Loader, alike: str) -> None:
    done = loading.run(source=alike)
    assert done.returncode == 0, done.stderr
    place = Path(done.stdout.partition(": ")[0])
    contents = [(place / name).read_text() for name in ("config.json", "Config.json")]
    assert contents == ['{"a": 1}', '{"b": 2}']


@pytest.mark.programs
def test_a_copy_to_a_place_that_can_not_tell_them_apart_is_refused(tmp_path: Path) -> None:
    model = sharded(tmp_path / "m")
    (model / "Config.json").write_text('{"a": 1}')
    manifest(model)
    with lacking(tmp_path / "memory", tmp_path / "behind", "case") as memory:
        ran = modelcache("copy", model, memory / "m")
        assert ran.status == 1
        assert f"{memory}/m: Config.json and config.json are one name there" in ran.err
        assert list((memory / "m").iterdir()) == []


def test_a_folder_in_the_place_of_a_name_is_refused_first(loading: Loader) -> None:
    by_hand = loading.store / "acme--tiny" / "main"
    by_hand.mkdir(parents=True)
    (by_hand / "x").write_text("1")
    done = loading.run()
    assert done.returncode == 1
    assert f"{by_hand}: is a folder that no loader made, in the place of the link" in done.stderr
    assert loading.fetched() == 0
    assert names(by_hand.parent) == {"main"}
    assert (by_hand / "x").read_text() == "1"


@pytest.mark.parametrize("made", [INCOMING, "acme--tiny"])
def test_a_folder_of_another_user_in_the_store_is_named_with_the_remedy(
    loading: Loader, made: str
) -> None:
    os.chown(loading.store, 65532, 65532)
    (loading.store / made).mkdir()
    home = {"HF_ENDPOINT": loading.hub.url, "HF_HOME": str(loading.store)}
    done = as_another_user("load", REPOSITORY, loading.store, env=home)
    assert done.returncode == 1
    assert f"{loading.store / made}: belongs to 0:0 with mode 0755, and this process" in done.stderr
    assert "chown 65532:65532" in done.stderr
    assert loading.fetched() == 0


def test_a_link_that_was_never_switched_is_removed(loading: Loader) -> None:
    assert loading.run().returncode == 0
    old = loading.place.with_name(".main.0123456789abcdef")
    new = loading.place.with_name(".main.fedcba9876543210")
    for link in (old, new):
        link.symlink_to(loading.commit)
    then = time.time() - 7200
    os.utime(old, (then, then), follow_symlinks=False)
    assert loading.run().returncode == 0
    assert not old.is_symlink()
    assert new.is_symlink(), "its loader may be at work"
    assert (loading.place.parent / "main").is_dir()
