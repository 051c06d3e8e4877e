"""A published model that lost a file: `load` publishes it anew, `prune` can remove it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import as_another_user, modelcache
from tests.loading.disks import without_hard_links
from tests.loading.loading import REPOSITORY, Loader
from tests.loading.test_killed import options, run
from tests.loading.test_removal import killed_before
from tests.store.models import INDEX, sharded
from tests.store.stores import aged
from webhook.models.layout import INCOMING, MANIFEST
from webhook.pruning.leftovers import leftovers
from webhook.pruning.whereabouts import Whereabouts
from webhook.store.contents import published_models
from webhook.store.readers import View
from webhook.store.replaced import replaced
from webhook.store.verify import faults_of

SHARD = "model-00002-of-00003.safetensors"


def lose(place: Path, name: str) -> None:
    (place / name).unlink()


def cut(place: Path, name: str) -> None:
    """Cut a file of a model alone: its hard links keep their bytes."""
    content = (place / name).read_bytes()
    (place / name).unlink()
    (place / name).write_bytes(content[:-1])


def flip(place: Path, name: str) -> None:
    with (place / name).open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xee")


def loaded(loading: Loader, *flags: str, source: str = REPOSITORY) -> str:
    done = loading.run(*flags, source=source)
    assert done.returncode == 0, done.stderr
    assert not list(faults_of(loading.place, full=True))
    return done.stderr


DAMAGE = {
    "a lost file": (lose, "config.json", "config.json: is missing"),
    "a lost shard": (lose, SHARD, f"{SHARD}: is missing"),
    "a cut shard": (cut, SHARD, f"{SHARD}: has "),
    "a cut manifest": (cut, MANIFEST, f"{MANIFEST}: can't be read: "),
}


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize(("damage", "name", "said"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_model_is_published_anew(
    loading: Loader, damage: object, name: str, said: str, *, pinned: bool
) -> None:
    source = f"{REPOSITORY}@{loading.commit}" if pinned else REPOSITORY
    loaded(loading, source=source)
    assert callable(damage)
    damage(loading.place, name)
    before, mounted = loading.fetched(), os.open(loading.place, os.O_RDONLY)
    folder = Path(f"/proc/self/fd/{mounted}")
    seen = set(folder.iterdir())
    err = loaded(loading, source=source)
    assert f"{loading.place}: {said}" in err
    assert f"{loading.place}: is damaged, and published anew" in err
    assert set(folder.iterdir()) == seen, "a pod that has mounted it keeps what it had"
    os.close(mounted)
    lost = (loading.model / name).stat().st_size if name != MANIFEST else 0
    assert loading.fetched() - before == lost, "the files that are right are not fetched again"
    assert "damaged" not in loaded(loading, source=source)


def test_a_changed_bit_is_found_and_loaded_anew_on_demand(loading: Loader) -> None:
    loaded(loading, "--no-hub-cache")
    flip(loading.place, SHARD)
    done = loading.run("--no-hub-cache")
    assert (done.returncode, "damaged" in done.stderr) == (0, False), "the digests were not read"
    ran = modelcache("verify", "--full", loading.place)
    remedy = f"modelcache load --full hf://{REPOSITORY}@{loading.commit} STORE"
    assert ran.err.endswith(f"{loading.place}: publish it anew: {remedy}\n")
    assert f"{SHARD}: has the sha256 " in loaded(loading, "--full")
    assert "damaged" not in loaded(loading, "--full")


def test_verify_and_status_say_what_to_do(loading: Loader) -> None:
    loaded(loading)
    lose(loading.place, "config.json")
    ran = modelcache("verify", loading.place)
    remedy = f"publish it anew: modelcache load hf://{REPOSITORY}@{loading.commit} STORE"
    assert f"modelcache: {loading.place}: {remedy}\n" in ran.err
    told = modelcache("status", loading.store).out
    assert f"{loading.store}: 1 published model is incomplete: load again, which publishes" in told


def test_the_damaged_model_stays_until_prune_removes_it(loading: Loader) -> None:
    loaded(loading)
    lose(loading.place, "config.json")
    loaded(loading)
    (one,) = replaced(loading.store / INCOMING)
    assert one.model == f"acme--tiny/{loading.commit}"
    row = json.loads(modelcache("status", loading.store, "-o", "json").out)["models"][-1]
    assert (row["model"], row["commit"], row["state"]) == ("acme/tiny", loading.commit, "replaced")
    ran = modelcache("prune", loading.store, "--no-cluster", "-o", "json")
    (left,) = json.loads(ran.out)["incoming"]
    assert (left["path"], left["verdict"]) == (str(one.folder), "removed")
    assert left["reason"] == "it was damaged, and a whole model is in its place"
    loading.see_whole()


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    ("path", "after", "stays"),
    [
        ("acme--tiny/{commit}", -3600, True),
        ("acme--tiny/main", -3600, True),
        ("", -3600, True),
        ("acme--tiny/{commit}", 3600, False),
        ("acme--other/{commit}", -3600, False),
    ],
)
def test_the_damaged_model_stays_while_a_pod_that_started_before_may_read_it(
    loading: Loader, path: str, after: float, *, stays: bool, there: bool
) -> None:
    loaded(loading)
    lose(loading.place, "config.json")
    loaded(loading)
    (one,) = replaced(loading.store / INCOMING)
    models = published_models(loading.store) if there else []
    view = View(
        pod="a/p", volume="v", node="", started=one.since + after, claim="a/store",
        path=path.format(commit=loading.commit),
    )  # fmt: skip
    (left,) = leftovers(loading.store, models, [view], Whereabouts(name="store"))
    assert left.goes is not stays
    assert ("pod a/p" in left.reason) is stays


def test_a_load_that_fails_keeps_no_damaged_model_from_prune(loading: Loader) -> None:
    loaded(loading)
    lose(loading.place, "config.json")
    aged(loading.place, days=1)
    for source in (REPOSITORY, f"{REPOSITORY}@{loading.commit}"):
        done = loading.run("--deadline=1s", source=source, HF_ENDPOINT="http://127.0.0.1:9")
        assert done.returncode == 1
    flags = ("--no-cluster", "--model", "acme/tiny", "--include-current")
    assert modelcache("prune", loading.store, *flags).status == 0
    assert not loading.place.exists()


def test_prune_removes_a_model_whose_manifest_is_cut_if_it_is_named(loading: Loader) -> None:
    loaded(loading)
    cut(loading.place, MANIFEST)
    aged(loading.place, days=9)
    flags = ("--no-cluster", "--include-current")
    ran = modelcache("prune", loading.store, *flags, "--unused-for", "1d", "-o", "json")
    (model,) = json.loads(ran.out)["models"]
    assert model["reason"] == "its manifest can't be read: load it again, or name it with --model"
    assert modelcache("prune", loading.store, *flags, "--model", "acme/tiny").status == 0
    assert not loading.place.exists()


def test_a_damaged_model_is_not_replaced_by_fewer_files(loading: Loader) -> None:
    loaded(loading)
    lose(loading.place, "config.json")
    done = loading.run("--allow=*.safetensors")
    assert done.returncode == 1
    assert f"{loading.place}: config.json: is missing" in done.stderr
    assert (
        "these patterns leave out: load it again with --allow '*.safetensors' --allow"
        in done.stderr
    )


@pytest.mark.parametrize("pinned", [False, True])
def test_a_model_that_this_user_can_not_read_is_not_taken_for_damaged(
    loading: Loader, *, pinned: bool
) -> None:
    loaded(loading)
    for path in (loading.store, *loading.store.rglob("*")):
        os.chown(path, 65532, 65532, follow_symlinks=False)
    shard = loading.place / SHARD
    os.chown(shard, 0, 0)
    shard.chmod(0)
    source = f"{REPOSITORY}@{loading.commit}" if pinned else REPOSITORY
    home = {"HF_ENDPOINT": loading.hub.url, "HF_HOME": str(loading.store)}
    done = as_another_user("load", source, loading.store, env=home)
    assert done.returncode == 1
    said = f"{loading.place}: {SHARD}: Permission denied: run this as the owner of the store"
    assert done.stderr == f"modelcache: {said}\n"
    assert not list(replaced(loading.store / INCOMING))
    done = as_another_user("verify", loading.place)
    assert done.stderr == f"modelcache: {loading.place}: {SHARD}: Permission denied\n"
    done = as_another_user("status", loading.store, "-o", "json")
    assert json.loads(done.stdout)["models"][0]["state"] == "unreadable"


def test_killed_before_any_change_it_leaves_the_old_model_or_the_new(tmp_path: Path) -> None:
    source = sharded(tmp_path / "m", 3, 4000)
    moment, after = 0, []
    while True:
        moment += 1
        store = tmp_path / f"store-{moment}"
        store.mkdir()
        place = run(options(source, store)).place
        lose(place, INDEX)
        was_killed = killed_before(moment, lambda store=store: run(options(source, store)))  # type: ignore[misc]  # mypy knows no such default
        faults = list(faults_of(place, full=True))
        assert faults in ([], [f"{INDEX}: is missing"])
        after.append(not faults)
        if not was_killed:
            break
        assert not list(faults_of(run(options(source, store)).place, full=True))
    assert after == sorted(after), "first the old one, then the new one"
    assert after.count(False) > 20


@pytest.fixture
def simple(loading: Loader, tmp_path: Path) -> Iterator[Loader]:
    """A loader into a store that can't exchange two folders in one step, and has no hard links."""
    loading.store.rmdir()
    with without_hard_links(loading.store, tmp_path / "behind"):
        yield loading


@pytest.mark.programs
def test_a_store_that_can_not_exchange_folders_gets_the_new_model_too(simple: Loader) -> None:
    loaded(simple)
    lose(simple.place, "config.json")
    loaded(simple)
    (one,) = replaced(simple.store / INCOMING)
    assert {path.name for path in (one.folder / "damaged").iterdir()} > {SHARD, MANIFEST}
