"""`modelcache load` publishes a model of the hub as a Hugging Face cache too, in the same bytes."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.command import modelcache
from tests.loading.disks import run, without_hard_links
from tests.loading.loading import REPOSITORY, Loader
from tests.loading.test_killed import options as options_of
from tests.loading.test_killed import run as load
from tests.loading.test_removal import killed_before
from tests.store.models import INDEX, manifest, sharded
from webhook.models.layout import INCOMING
from webhook.store.contents import size_of
from webhook.store.hub_cache import make_hub_cache
from webhook.store.incoming import Incoming, part_name
from webhook.store.manifest import read_manifest
from webhook.store.verify import faults_of

SHARD = "model-00002-of-00003.safetensors"
FOLDER = "models--acme--tiny"
OTHER = "b" * 40
READ = """
import json, sys
from huggingface_hub import hf_hub_download, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import LocalEntryNotFoundError
found = {}
for revision in json.loads(sys.argv[1]):
    asked = {"repo_id": "acme/tiny", "revision": revision}
    try:
        places = {snapshot_download(**asked)}
        for ask in (hf_hub_download, try_to_load_from_cache):
            for file in ("config.json", "INDEX"):
                place = ask(filename=file, **asked)
                open(place).read()
                places.add(place.removesuffix("/" + file))
        (found[str(revision)],) = places
    except LocalEntryNotFoundError:
        found[str(revision)] = None
print(json.dumps(found))
""".replace("INDEX", INDEX)


def cache(loading: Loader) -> Path:
    return loading.place / FOLDER


def refs(loading: Loader) -> dict[str, str]:
    return {path.name: path.read_text() for path in (cache(loading) / "refs").iterdir()}


def loaded(loading: Loader, *flags: str, revision: str = "") -> str:
    """Load, check that the whole model is published; return what was said."""
    source = f"{REPOSITORY}@{revision}" if revision else REPOSITORY
    done = loading.run(*flags, source=source)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{loading.place}: {loading.size} bytes, ")
    loading.see_whole()
    return done.stderr


def read(loading: Loader, place: Path, revisions: list[str | None]) -> dict[str, str | None]:
    """Return the snapshot that the hub's library finds for each revision; None: it finds none.

    As in a pod: a new cache, where the folder of the model is mounted read-only; without a network.
    """
    root = loading.store.parent / "hub"
    point = root / FOLDER
    script = (
        f"mkdir -p {point} && mount --bind {place / FOLDER} {point} && "
        f'mount -o remount,bind,ro {point} && exec "$@"'
    )
    command = [loading.command()[0], "-c", READ, json.dumps(revisions)]
    done = subprocess.run(
        ["unshare", "-m", "-n", "sh", "-c", script, "sh", *command], capture_output=True,
        text=True, check=False, timeout=60,
        env=loading.environment(HF_HUB_OFFLINE="1", HF_HUB_CACHE=str(root)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, str | None] = json.loads(done.stdout)
    return {
        revision: place and place.removeprefix(f"{root}/{FOLDER}/snapshots/")
        for revision, place in found.items()
    }


def test_the_cache_takes_no_bytes_for_the_files(loading: Loader) -> None:
    loaded(loading)
    linked = cache(loading) / "snapshots" / loading.commit
    assert {path.name for path in linked.iterdir()} == {p.name for p in loading.model.iterdir()}
    for path in linked.iterdir():
        assert path.samefile(loading.place / path.name)
    (loading.place / ".modelcache.json").unlink()
    names = sum(len(text) for text in refs(loading).values())
    assert size_of(loading.place) == loading.size + names


@pytest.mark.programs
@pytest.mark.parametrize("asked", ["main", "v1.0", "commit"])
def test_servers_that_name_no_revision_find_the_one_that_was_loaded(
    loading: Loader, asked: str
) -> None:
    loading.hub.tag(REPOSITORY, "v1.0", loading.commit)
    revision = loading.commit if asked == "commit" else asked
    loaded(loading, revision=revision)
    before = len(loading.hub.requests())
    asking = [None, "main", loading.commit, revision, "v2.0", OTHER]
    place = loading.store / "acme--tiny" / revision
    found = read(loading, place, asking)
    assert found == {
        **dict.fromkeys(("None", "main", loading.commit, revision), loading.commit),
        "v2.0": None, OTHER: None,
    }  # fmt: skip
    assert len(loading.hub.requests()) == before


@pytest.mark.programs
def test_a_revision_that_main_no_longer_means_stays_readable_to_its_pods(loading: Loader) -> None:
    loaded(loading)
    files: dict[str, bytes | Path] = {path.name: path for path in loading.model.iterdir()}
    moved = loading.hub.commit(REPOSITORY, files | {"more.json": b"{}"})
    assert loading.run().returncode == 0
    assert (loading.place.parent / "main").readlink() == Path(moved)
    assert read(loading, loading.place, [None]) == {"None": loading.commit}
    assert read(loading, loading.place.parent / "main", [None]) == {"None": moved}


def test_each_name_in_refs_is_one_that_readers_look_up(loading: Loader) -> None:
    loading.hub.tag(REPOSITORY, "v1.0", loading.commit)
    loaded(loading, revision=loading.commit)
    assert refs(loading) == {"main": loading.commit, loading.commit: loading.commit}
    loaded(loading, revision="v1.0")
    assert refs(loading).keys() == {"main", loading.commit, "v1.0"}
    assert loading.fetched() == loading.size


def test_a_model_without_the_cache_gets_it_from_the_next_load(loading: Loader) -> None:
    loaded(loading, "--no-hub-cache")
    assert not cache(loading).exists()
    loaded(loading, "--no-hub-cache")
    assert not cache(loading).exists()
    assert loaded(loading) == ""
    assert (cache(loading) / "snapshots" / loading.commit / SHARD).samefile(loading.place / SHARD)
    assert loading.fetched() == loading.size


def test_a_cache_without_main_gets_it_from_the_next_load(loading: Loader) -> None:
    loaded(loading, revision=loading.commit)
    (cache(loading) / "refs" / "main").unlink()
    loaded(loading, revision=loading.commit)
    assert refs(loading)["main"] == loading.commit


def test_a_model_of_another_store_takes_its_cache_along(loading: Loader, tmp_path: Path) -> None:
    loaded(loading)
    node = tmp_path / "node"
    node.mkdir()
    ran = modelcache("load", f"file://{loading.store}/acme--tiny/main", node)
    assert ran.status == 0, ran.err
    linked = node / "acme--tiny" / loading.commit / FOLDER / "snapshots" / loading.commit / SHARD
    assert linked.read_bytes() == (loading.model / SHARD).read_bytes()


def test_a_model_whose_source_is_no_hub_gets_no_cache(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    ran = modelcache("load", f"file://{sharded(tmp_path / 'm')}", store)
    assert (ran.status, ran.err.count("cache")) == (0, 0)
    assert not list(store.rglob("models--*"))


def test_files_without_a_digest_in_the_manifest_are_told_apart(
    loading: Loader, tmp_path: Path
) -> None:
    loaded(loading, "--no-hub-cache")
    content = json.loads((loading.place / ".modelcache.json").read_bytes())
    for file in content["files"]:
        del file["sha256"]
    (loading.place / ".modelcache.json").write_text(json.dumps(content))
    done = loading.run()
    assert done.returncode == 0, done.stderr
    for path in loading.model.iterdir():
        linked = cache(loading) / "snapshots" / loading.commit / path.name
        assert linked.samefile(loading.place / path.name)


@pytest.mark.programs
def test_in_memory_it_takes_a_page_for_each_name_of_its_revision(loading: Loader) -> None:
    """A pod that downloads into its own memory has a store there."""
    store = loading.store
    run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", store)
    try:
        loaded(loading, "--no-hub-cache")
        before = os.statvfs(store).f_bfree
        loaded(loading)
        after = os.statvfs(store)
    finally:
        run("umount", store)
    assert (before - after.f_bfree) * after.f_frsize == 2 * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def linkless(loading: Loader, tmp_path: Path) -> Iterator[Loader]:
    """A loader into a store whose file system has no hard links."""
    shutil.rmtree(loading.store)
    with without_hard_links(loading.store, tmp_path / "behind"):
        yield loading


@pytest.mark.programs
def test_a_store_without_hard_links_gets_the_files_and_says_so_once(linkless: Loader) -> None:
    why = (
        f"{linkless.store}: no Hugging Face cache of hf://{REPOSITORY}@main: no hard link is "
        "possible there: "
    )
    for _ in range(2):
        said = loaded(linkless)
        assert said.count("Hugging Face") == said.count(why) == 1
        assert not cache(linkless).exists()
    ran = modelcache("status", linkless.store, "-o", "json")
    assert [one["hubCache"] for one in json.loads(ran.out)["models"]] == [False]
    assert "CACHE" in modelcache("status", linkless.store).out


@pytest.mark.programs
def test_a_cache_that_was_demanded_is_not_left_out_in_silence(linkless: Loader) -> None:
    done = linkless.run("--hub-cache")
    assert done.returncode == 1
    assert "no hard link is possible there" in done.stderr
    assert done.stderr.endswith(": load it without --hub-cache\n")
    assert not linkless.place.exists()
    loaded(linkless, "--no-hub-cache")
    assert linkless.fetched() == linkless.size


@pytest.mark.programs
def test_a_loaded_commit_in_a_read_only_store_is_found_without_the_cache(loading: Loader) -> None:
    loaded(loading, "--no-hub-cache", revision=loading.commit)
    run("mount", "--bind", loading.store, loading.store)
    try:
        run("mount", "-o", "remount,bind,ro", loading.store)
        done = loading.run(source=f"{REPOSITORY}@{loading.commit}")
        demanded = loading.run("--hub-cache", source=f"{REPOSITORY}@{loading.commit}")
    finally:
        run("umount", loading.store)
    assert done.returncode == 0
    assert "no Hugging Face cache" in done.stderr
    assert "Read-only file system" in done.stderr
    assert demanded.returncode == 1


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A model of another store, which needs no network."""
    model = sharded(tmp_path / "m", 3, 30_000)
    manifest(model, f"hf://{REPOSITORY}@main", OTHER)
    return model


@pytest.mark.parametrize("there", [False, True])
def test_killed_before_any_change_it_leaves_no_part_of_a_cache(
    source: Path, tmp_path: Path, there: bool
) -> None:
    moment, killed, size = 0, True, 0
    while killed:
        moment += 1
        store = tmp_path / f"store-{moment}"
        store.mkdir()
        options = replace(options_of(source, store), hub_cache=None)
        if there:
            load(replace(options, hub_cache=False))
        killed = killed_before(moment, lambda options=options: load(options))  # type: ignore[misc]  # mypy knows no such default
        place = store / "acme--tiny" / OTHER
        linked = place / FOLDER / "snapshots" / OTHER
        if linked.exists():
            assert (place / FOLDER / "refs" / "main").read_text() == OTHER
            assert {path.name for path in linked.iterdir()} > {INDEX, "config.json"}
        elif place.exists():
            assert there, "a new model is published with its cache"
        _ended(store)
        again = load(options)
        assert not list(faults_of(place, full=True))
        assert (place / FOLDER / "refs" / "main").exists()
        assert all(path.resolve().exists() for path in linked.iterdir())
        assert not list((store / INCOMING).glob("*/writer.json"))
        size = size or size_of(again.place)
        assert size_of(again.place) == size
        shutil.rmtree(store)
    assert moment > 10, "it was killed at many moments"


def test_the_next_loader_takes_over_each_file_once(source: Path, tmp_path: Path) -> None:
    content = read_manifest(source / ".modelcache.json")
    with Incoming(tmp_path, f"acme--tiny/{OTHER}") as left:
        for file in content.files:
            os.link(source / file.path, left.files / file.path)
        make_hub_cache(left.files / FOLDER, left.files, content, ["main"])
    with Incoming(tmp_path, f"acme--tiny/{OTHER}") as incoming:
        assert incoming.inherit() == 1
        taken = {path.name for path in incoming.parts.iterdir()}
    assert taken == {part_name(file.path) for file in content.files}


def _ended(store: Path) -> None:
    """Make folders without a writer old, as an hour would."""
    for folder in (store / INCOMING).glob("*"):
        if not (folder / "writer.json").exists():
            os.utime(folder, (0, 0))
