"""A quota that statvfs(3) does not show: a quota of btrfs, which needs no other kernel feature."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forking.process import Forked
from tests.hub.fault import Fault
from tests.hub.running import hub_server
from tests.loading.disks import formatted, mounted, run
from tests.loading.loading import Loader, loader
from tests.store.models import sharded
from webhook.store.verify import faults_of

pytestmark = pytest.mark.programs

MB = 1_000_000
LIMIT = 60 * MB


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    """A store with a quota of 60 MB on a file system four times as large."""
    disk = tmp_path / "disk"
    formatted(disk, 4 * LIMIT, "mkfs.btrfs", "--quiet")
    with mounted(disk, tmp_path / "mounted") as whole:
        path = whole / "store"
        run("btrfs", "quota", "enable", whole)
        run("btrfs", "subvolume", "create", path)
        run("btrfs", "qgroup", "limit", str(LIMIT), path)
        yield path


@pytest.fixture
def loading(tmp_path: Path, store: Path) -> Iterator[Loader]:
    """A model of 40 MB."""
    with hub_server(tmp_path / "hub") as hub:
        yield loader(hub, tmp_path, 4, 40 * MB, store)


def other(loading: Loader, size: int) -> Path:
    """Publish a model of *size* bytes in the store; return its place."""
    source = sharded(loading.store.parent.parent / "other", 1, size)
    done = loading.run(source=f"file://{source}")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.partition(": ")[0])


def fill(path: Path) -> None:
    """Write until the file system refuses."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(MB))


def test_a_model_that_exceeds_the_quota_is_refused_before_its_first_byte(
    loading: Loader,
) -> None:
    place = other(loading, 30 * MB)
    done = loading.run()
    assert done.returncode == 1
    assert f"needs {loading.size} bytes more (39Mi), and the file system refuses" in done.stderr
    assert "Disk quota exceeded: raise the quota, or remove models" in done.stderr
    assert loading.fetched() == 0
    assert not list(faults_of(place, full=True))
    assert not list(loading.store.glob("acme--tiny/*"))


def test_a_quota_that_is_used_up_meanwhile_leaves_no_partial_model(loading: Loader) -> None:
    place = other(loading, 5 * MB)
    loading.hub.fault(Fault(where="cdn", rate=2 * MB))
    with Forked(
        loading.command(), env=loading.environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        loading.until(process, 1)
        taken = loading.store / "taken"
        with pytest.raises(OSError, match="Disk quota exceeded"):
            fill(taken)
        assert process.stderr
        said = process.stderr.read()
        assert process.wait(60) == 1
    assert "Disk quota exceeded" in said, said
    assert "Traceback" not in said
    assert not list(faults_of(place, full=True))
    assert not list(loading.store.glob("acme--tiny/*"))
    taken.unlink()
    loading.hub.heal()
    assert loading.run().returncode == 0, "with what has arrived"
    loading.see_whole()
    assert loading.fetched() < 2 * loading.size
