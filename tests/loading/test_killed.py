"""A loader that is killed at any moment: readers see nothing or everything."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.store.models import sharded
from webhook.loading.load import load
from webhook.loading.options import Options
from webhook.loading.patterns import Patterns
from webhook.loading.published import Loaded
from webhook.models.layout import INCOMING, uri_folder
from webhook.store.verify import faults_of

SIZE = 8_000_000
SHARDS = 8
MOMENTS = 200


def options(source: Path, store: Path) -> Options:
    return Options(
        source=f"file://{source}", store=store, patterns=Patterns(), safetensors_only=True,
        hub_cache=False, token=None, endpoint=None, parallel=3, deadline=60,
    )  # fmt: skip


@contextmanager
def unseen(what: object, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


def run(options: Options) -> Loaded:
    return load(options, lambda text: None, unseen)


def killed_after(seconds: float, options: Options) -> bool:
    """Load in another process; return whether it was killed before it was done."""
    child = os.fork()
    if not child:
        try:
            run(options)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def bytes_there(store: Path) -> int:
    return sum(
        path.stat().st_size
        for kind in ("files", "parts")
        for path in (store / INCOMING).glob(f"*/{kind}/**/*")
        if path.is_file() and path.name != ".modelcache.json"
    )


@pytest.mark.parametrize("part", range(4))
def test_killed_at_any_moment_it_leaves_nothing_or_everything(tmp_path: Path, part: int) -> None:
    # Fault rows of the store: SIGKILL at random moments, then run again.
    moments = random.Random(part)
    source = sharded(tmp_path / "m", SHARDS, SIZE)
    size = sum(path.stat().st_size for path in source.iterdir())
    for name in ("first", "second"):  # the first run does the imports
        began = time.monotonic()
        (tmp_path / name).mkdir()
        run(options(source, tmp_path / name))
        usual = time.monotonic() - began
    caught = 0
    for number in range(MOMENTS // 4):
        store = tmp_path / f"store-{number}"
        store.mkdir()
        killed = killed_after(moments.uniform(0, 1.2 * usual), options(source, store))
        caught += killed
        model = store / uri_folder(f"file://{source}")
        for place in model.glob("[0-9a-f]" * 64):
            assert not list(faults_of(place, full=True))
        there = 0 if list(model.glob("main")) else bytes_there(store)
        again = run(options(source, store))
        assert not list(faults_of(again.place, full=True))
        assert (model / "main").resolve() == again.place
        if killed and there:
            assert again.fetched == size - there, "what was there is not fetched again"
        left = list((store / INCOMING).iterdir())
        assert not [path for path in left if (path / "writer.json").exists()]
        assert len(left) <= 1, "one that had not said yet who it is"
    assert caught > MOMENTS // 16, "some were killed before they were through"
