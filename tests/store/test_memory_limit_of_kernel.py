"""A container's memory limit in the running kernel: a copy is refused before the kernel would kill it."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.cli.command import ROOT
from tests.kubernetes import cgroups
from tests.kubernetes.cgroups import Cgroup
from tests.store.models import manifest
from webhook.store.memory_limit import OVERHEAD

pytestmark = pytest.mark.programs
Mi: Final = 2**20
SIZE: Final = 64 * Mi
NEEDED: Final = SIZE + 4096
"""The weights and one page for the manifest."""
EXTRA: Final = OVERHEAD + NEEDED // 256
ARITHMETIC: Final = re.compile(r"limit (\d+) - used (\d+) - overhead (\d+) < needed (\d+) \(")


@dataclass(frozen=True, slots=True)
class Container:
    """A process in a control group below another, as in a pod, and a tmpfs."""

    pod: Cgroup
    own: Cgroup
    memory: Path

    def limit(self, group: Cgroup, number: int) -> None:
        names = (group.memory / name for name in ("memory.max", "memory.limit_in_bytes"))
        next(path for path in names if path.exists()).write_text(str(number))

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the command in its group."""
        enter = f'echo $$ >"{self.own.memory}/cgroup.procs" && exec "$@"'
        done = subprocess.run(
            ["sh", "-c", enter, "sh", sys.executable, "-m", "webhook", *arguments], cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, capture_output=True,
            check=False, timeout=60,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    name, memory = f"modelcache-test-{secrets.token_hex(4)}", tmp_path / "memory"
    memory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "test", memory], check=True)
    cgroups.create(f"{name}/loader")
    yield Container(Cgroup(name), Cgroup(f"{name}/loader"), memory)
    subprocess.run(["umount", memory], check=True)
    cgroups.remove(name)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "store" / "m"
    directory.mkdir(parents=True)
    with (directory / "weights.bin").open("wb") as weights:
        weights.truncate(SIZE)
    manifest(directory)
    return directory


@pytest.mark.parametrize("which", ["own", "pod"])
def test_a_copy_that_the_kernel_would_kill_is_refused_with_the_arithmetic(
    container: Container, model: Path, which: str
) -> None:
    group = container.own if which == "own" else container.pod
    container.limit(group, SIZE + 8 * Mi)
    done = container.run("copy", model, container.memory)
    assert done.returncode == 1, done
    text = ARITHMETIC.search(done.stderr)
    assert text, done.stderr
    limit, used, overhead, needed = map(int, text.groups())
    assert (limit, overhead, needed) == (SIZE + 8 * Mi, EXTRA, NEEDED)
    assert 0 < used < SIZE
    assert f"modelcache: {container.memory}: the model needs more memory than " in done.stderr
    assert f"the limit is that of {group.memory}/memory." in done.stderr
    assert "raise the loader's memory limit" in done.stderr
    assert list(container.memory.iterdir()) == []


def test_a_limit_that_the_arithmetic_accepts_is_enough(container: Container, model: Path) -> None:
    container.limit(container.pod, SIZE)
    text = ARITHMETIC.search(container.run("copy", model, container.memory).stderr)
    assert text
    used = int(text[2])
    # Another run does not need exactly the same.
    container.limit(container.pod, used + EXTRA + NEEDED + 8 * Mi)
    done = container.run("copy", model, container.memory)
    assert done.returncode == 0, done
    assert (container.memory / "weights.bin").stat().st_size == SIZE


def test_the_remains_of_an_earlier_attempt_are_not_counted(
    container: Container, model: Path
) -> None:
    container.limit(container.own, 64 * Mi + EXTRA + NEEDED)
    for _ in range(2):
        done = container.run("copy", model, container.memory)
        assert done.returncode == 0, done


def test_a_copy_to_a_disk_needs_no_such_memory(container: Container, model: Path) -> None:
    container.limit(container.own, SIZE)
    done = container.run("copy", model, model.parent.parent / "disk")
    assert done.returncode == 0, done


def test_a_store_in_memory_is_compared_with_the_limit_too(
    container: Container, model: Path
) -> None:
    container.limit(container.own, SIZE + 8 * Mi)
    done = container.run("load", f"file://{model}", container.memory, "--allow", "*.bin")
    assert done.returncode == 1, done
    assert ARITHMETIC.search(done.stderr), done.stderr
    assert "raise the container's memory limit, or load into a store on a disk" in done.stderr


def test_a_container_without_a_limit_is_not_checked(container: Container, model: Path) -> None:
    done = container.run("copy", model, container.memory)
    assert done.returncode == 0, done
