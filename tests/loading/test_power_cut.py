"""A node that loses power: its disk, as it was then, is mounted again and read.

The store is on an ext4 file system whose disk is a file on btrfs. A clone of that file has the
bytes that were written to the disk so far, and nothing that the kernel still kept in memory.
"""

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.background import in_background
from tests.forking.process import Forked
from tests.hub.fault import Fault
from tests.hub.running import hub_server
from tests.loading.disks import formatted, mounted, run, unmount
from tests.loading.loading import Loader, loader
from webhook.models.layout import INCOMING
from webhook.store.verify import faults_of

pytestmark = pytest.mark.programs

MB: Final = 1_000_000
SIZE: Final = 24 * MB
RATE: Final = 4 * MB
CUTS: Final = 40


class Disk:
    """A disk with a file system, and its copies at moments when power was cut."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "disk"
        at_once = "lazy_itable_init=0,lazy_journal_init=0"
        formatted(self.file, 4 * SIZE, "mkfs.ext4", "-q", "-E", at_once)
        self.cuts: list[Path] = []

    def cut(self) -> None:
        """Copy the disk as it is now."""
        self.cuts.append(self.folder / f"cut-{len(self.cuts)}")
        run("cp", "--reflink=always", self.file, self.cuts[-1])


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    formatted(tmp_path / "below", 16 * SIZE, "mkfs.btrfs", "--quiet")
    with mounted(tmp_path / "below", tmp_path / "clones") as clones:
        yield Disk(clones)


@pytest.fixture
def loading(tmp_path: Path, disk: Disk) -> Iterator[Loader]:
    """A model that takes some seconds to load, and a store on the disk."""
    with mounted(disk.file, tmp_path / "store") as store, hub_server(tmp_path / "hub") as hub:
        hub.fault(Fault(where="cdn", rate=RATE))
        yield loader(hub, tmp_path, 4, SIZE, store)


def published(store: Path) -> list[Path]:
    """Return the directories that readers would take for models."""
    return [path for path in store.glob("acme--*/*") if path.is_dir() and not path.is_symlink()]


def see(cut: Path, folder: Path) -> Sequence[Path]:
    """Mount the disk as it was: return the published models, which are whole."""
    with mounted(cut, folder):
        found = published(folder)
        for place in found:
            assert not list(faults_of(place, full=True)), cut.name
        for name in folder.glob("acme--*/main"):
            assert name.resolve() in found, cut.name
        return found


def test_power_that_is_cut_at_any_moment_leaves_a_whole_model_or_none(
    loading: Loader, disk: Disk, tmp_path: Path
) -> None:
    # Fault rows of the store: a node that stops
    def cutting(over: threading.Event) -> None:
        while not over.wait(0.1) and len(disk.cuts) < CUTS:
            disk.cut()

    with Forked(
        loading.command(), env=loading.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        with in_background(cutting):
            while not published(loading.store):
                assert process.poll() is None
                time.sleep(0.001)
        for _ in range(5):
            disk.cut()
        assert process.stdout
        assert process.stdout.read().startswith(str(loading.place))
    disk.cut()
    found = [len(see(cut, tmp_path / "mounted")) for cut in disk.cuts]
    assert len(found) > CUTS // 2
    assert found[0] == 0
    assert found[-1] == 1, "what is said to be published is on the disk"


def test_after_a_power_cut_a_loader_continues_with_what_is_on_the_disk(
    loading: Loader, disk: Disk, tmp_path: Path
) -> None:
    command, environment = loading.command(), loading.environment()
    with Forked(command, env=environment, text=True) as process:
        loading.until(process, SIZE // 3)
        run("sync", "-f", loading.store)
        loading.until(process, SIZE // 2)
        disk.cut()
        process.kill()
    assert not published(loading.store)
    unmount(loading.store)
    run("mount", "-o", "loop", disk.cuts[-1], loading.store)
    assert [*(loading.store / INCOMING).iterdir()]
    loading.hub.heal()
    before = loading.fetched()
    done = loading.run()
    assert done.returncode == 0, done.stderr
    loading.see_whole()
    assert loading.fetched() - before < SIZE * 5 // 6, "a third was on the disk"
