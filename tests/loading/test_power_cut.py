"""A node that loses its power: what its disk had by then is mounted again and read.

The store lies on an ext4 file system, whose disk is a file of btrfs. A clone of that file has what
was written to the disk so far, and nothing of what the kernel still kept in memory.
"""

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.cluster import packages
from tests.hub.fault import Fault
from tests.hub.running import hub_server
from tests.loading.loading import REPOSITORY, Loader
from tests.models import sharded
from webhook.store import INCOMING
from webhook.verify import faults_of

MB: Final = 1_000_000
SIZE: Final = 24 * MB
RATE: Final = 4 * MB
CUTS: Final = 40


def run(*words: str | Path) -> None:
    subprocess.run(words, check=True, capture_output=True)


class Disk:
    """A disk with a file system, and what it would hold if the power were cut now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "disk"
        with self.file.open("wb") as file:
            file.truncate(4 * SIZE)
        run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.file)
        self.cuts: list[Path] = []

    def cut(self) -> None:
        """Keep what the disk holds now."""
        self.cuts.append(self.folder / f"cut-{len(self.cuts)}")
        run("cp", "--reflink=always", self.file, self.cuts[-1])


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    packages.install()
    below, clones = tmp_path / "below", tmp_path / "clones"
    clones.mkdir()
    with below.open("wb") as file:
        file.truncate(16 * SIZE)
    run("mkfs.btrfs", "--quiet", below)
    run("mount", "-o", "loop", below, clones)
    yield Disk(clones)
    run("umount", clones)


@pytest.fixture
def loading(tmp_path: Path, disk: Disk) -> Iterator[Loader]:
    """A model that takes some seconds to come, and a store on the disk."""
    store = tmp_path / "store"
    store.mkdir()
    run("mount", "-o", "loop", disk.file, store)
    model = sharded(tmp_path / "model", 4, SIZE)
    with hub_server(tmp_path / "hub") as hub:
        commit = hub.commit(REPOSITORY, {path.name: path for path in model.iterdir()})
        hub.fault(Fault(where="cdn", rate=RATE))
        yield Loader(hub, store, model, commit)
    run("umount", store)


def until(loading: Loader, process: subprocess.Popen[bytes], size: int) -> None:
    """Wait until the hub has sent *size* bytes."""
    while loading.fetched() < size:
        assert process.poll() is None
        time.sleep(0.01)


def published(store: Path) -> list[Path]:
    """Return what readers would take for a model."""
    return [path for path in store.glob("acme--*/*") if path.is_dir() and not path.is_symlink()]


def see(disk: Disk, cut: Path, mounted: Path) -> Sequence[Path]:
    """Start again with what the disk had: return what is published there, which is whole."""
    run("mount", "-o", "loop", cut, mounted)
    try:
        found = published(mounted)
        for place in found:
            assert not list(faults_of(place, full=True)), cut.name
        for name in mounted.glob("acme--*/main"):
            assert name.resolve() in found, cut.name
        return found
    finally:
        run("umount", mounted)


def test_power_that_is_cut_at_any_moment_leaves_a_whole_model_or_none(
    loading: Loader, disk: Disk, tmp_path: Path
) -> None:
    # Fault rows of the store: a node that stops
    over = threading.Event()

    def cutting() -> None:
        while not over.wait(0.1) and len(disk.cuts) < CUTS:
            disk.cut()

    cutter = threading.Thread(target=cutting)
    cutter.start()
    with subprocess.Popen(
        loading.command(), env=loading.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        while not published(loading.store):
            assert process.poll() is None
            time.sleep(0.001)
        over.set()
        cutter.join()
        for _ in range(5):
            disk.cut()
        assert process.stdout
        assert process.stdout.read().startswith(str(loading.place))
    disk.cut()
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    found = [len(see(disk, cut, mounted)) for cut in disk.cuts]
    assert len(found) > CUTS // 2
    assert found[0] == 0
    assert found[-1] == 1, "what is said to be published is on the disk"


def test_after_the_power_was_cut_a_loader_goes_on_with_what_is_on_the_disk(
    loading: Loader, disk: Disk, tmp_path: Path
) -> None:
    with subprocess.Popen(loading.command(), env=loading.environment()) as process:
        until(loading, process, SIZE // 3)
        run("sync", "-f", loading.store)
        until(loading, process, SIZE // 2)
        disk.cut()
        process.kill()
    assert not published(loading.store)
    run("umount", loading.store)
    run("mount", "-o", "loop", disk.cuts[-1], loading.store)
    assert [*(loading.store / INCOMING).iterdir()]
    loading.hub.heal()
    before = loading.fetched()
    done = loading.run()
    assert done.returncode == 0, done.stderr
    loading.see_whole()
    assert loading.fetched() - before < SIZE * 5 // 6, "a third was on the disk"
