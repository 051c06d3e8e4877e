"""The removal of a model: killed at any moment, and together with loaders of the same model."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loading.test_killed import options, run
from tests.store.models import sharded
from tests.store.stores import aged, at
from webhook.pruning import prune
from webhook.pruning.cluster import NotAsked
from webhook.pruning.options import Given, Options
from webhook.pruning.outcome import Became, Outcome
from webhook.pruning.removal import Needed, remove
from webhook.store.contents import Published, published_models
from webhook.store.last_use import stamp
from webhook.store.verify import faults_of

CHANGES = frozenset(
    {"os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.utime"}
)
ROUNDS = 40


def pruned(store: Path) -> Outcome:
    options = Options.of(Given(store=store, unused_for="1d", include_current=True))
    return prune.prune(options, NotAsked(), dry_run=False)


def old(source: Path, store: Path) -> Published:
    """Load a model, and make it old."""
    store.mkdir(exist_ok=True)
    aged(run(options(source, store)).place, days=40)
    (model,) = published_models(store)
    return model


def forked(run: Callable[[], object]) -> int:
    """Run a function in another process; return its number, to wait for."""
    child = os.fork()
    if not child:
        try:
            run()
        finally:
            os._exit(0)
    return child


def killed_before(moment: int, run: Callable[[], object]) -> bool:
    """Run a function; return whether it was killed before its *moment*-th change of the file system."""

    def killing() -> None:
        left = moment

        def count(event: str, _: object) -> None:
            nonlocal left
            if event in CHANGES:
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        run()

    _, status = os.waitpid(forked(killing), 0)
    return os.WIFSIGNALED(status)


def see_nothing_or_everything(store: Path) -> bool:
    """Check that each model is whole and each name leads to one; return whether there is one."""
    entries = [path for path in store.glob("*/*") if path.parent.name != ".incoming"]
    places = [path for path in entries if not path.name.startswith(".")]
    for place in places:
        assert not list(faults_of(place, full=True)), place
    return bool(places)


def test_killed_before_any_change_it_leaves_nothing_or_everything(tmp_path: Path) -> None:
    source = sharded(tmp_path / "m", 6, 4000)
    moment, seen = 0, []
    while True:
        moment += 1
        store = tmp_path / f"store-{moment}"
        old(source, store)
        was_killed = killed_before(moment, lambda store=store: pruned(store))  # type: ignore[misc]  # mypy knows no such default
        seen.append(see_nothing_or_everything(store))
        if not was_killed:
            break
        for path in (store / ".incoming").iterdir():
            at(path, 1)
        for row in pruned(store).rows:
            assert row.became is Became.GONE
        assert not see_nothing_or_everything(store)
        assert not list((store / ".incoming").iterdir()), "the next one removes what is left"
    assert seen == sorted(seen, reverse=True), "first everything, then nothing"
    assert seen.count(True) > 2
    assert seen.count(False) > 8, "killed while files went"


def test_a_model_that_is_loaded_during_its_removal_is_put_back(tmp_path: Path) -> None:
    model = old(sharded(tmp_path / "m"), tmp_path / "store")
    stamp(model.place)  # the first thing that a loader does if it finds the model
    with pytest.raises(Needed, match="requested it just now"):
        remove(model, include_current=True)
    assert not list(faults_of(model.place, full=True))
    assert model.place.with_name("main").readlink() == Path(model.place.name)
    assert not list((tmp_path / "store" / ".incoming").iterdir())


def test_a_model_that_a_name_now_points_to_stays(tmp_path: Path) -> None:
    model = old(sharded(tmp_path / "m"), tmp_path / "store")
    with pytest.raises(Needed, match="main points to it now"):
        remove(model, include_current=False)
    assert not list(faults_of(model.place, full=True))


def test_a_model_that_is_loaded_again_during_its_removal_stays_loaded(tmp_path: Path) -> None:
    # The second process meets the removal at any moment.
    source, store = sharded(tmp_path / "m", 6, 4000), tmp_path / "store"
    model = old(source, store)
    for _ in range(ROUNDS):
        aged(old(source, store).place, days=40)
        children = [forked(lambda: pruned(store)), forked(lambda: run(options(source, store)))]
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
        assert not list(faults_of(model.place, full=True))
        assert (model.place.with_name("main")).resolve() == model.place.resolve()
