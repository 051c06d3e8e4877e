"""Owns control groups, of version 1 or 2: makes, reads and removes them.

A group is named by its path below the root; on version 1 it exists in every hierarchy.
"""

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

UNLIMITED: Final = 1 << 60
"""Without a limit version 1 has the largest number of pages, and version 2 `max`."""


class BusyError(Exception):
    """A group still holds processes."""


def hierarchies() -> list[Path]:
    """Return the mount points of control groups: one on version 2, one for each controller on 1."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return [Path(fields[1]) for fields in mounts if fields[2] in {"cgroup", "cgroup2"}]


def _memory() -> Path:
    return next(root for root in hierarchies() if (root / "memory.stat").exists() or _unified(root))


def _unified(root: Path) -> bool:
    controllers = root / "cgroup.controllers"
    return controllers.exists() and "memory" in controllers.read_text().split()


@dataclasses.dataclass(frozen=True, slots=True)
class Cgroup:
    """One group, such as that of a pod."""

    name: str

    @property
    def memory(self) -> Path:
        """The folder with the files of its memory controller."""
        return _memory() / self.name

    def _number(self, version_1: str, version_2: str) -> int | None:
        path = self.memory / version_2
        text = (path if path.exists() else self.memory / version_1).read_text().strip()
        return None if text == "max" or int(text) >= UNLIMITED else int(text)

    def limit(self) -> int | None:
        """Return the memory limit in bytes, if there is one."""
        return self._number("memory.limit_in_bytes", "memory.max")

    def usage(self) -> int:
        """Return the memory charged to it and the groups below it, in bytes."""
        return self._number("memory.usage_in_bytes", "memory.current") or 0

    def peak(self) -> int:
        """Return the largest usage so far, in bytes."""
        return self._number("memory.max_usage_in_bytes", "memory.peak") or 0

    def charged(self) -> dict[str, int]:
        """Return memory.stat of it and the groups below it, in bytes, with the names of version 2.

        `file` is the page cache including shared memory; `shmem` is the shared memory (tmpfs).
        """
        lines = (self.memory / "memory.stat").read_text().splitlines()
        stat = {name: int(value) for name, value in (line.split() for line in lines)}
        if "total_rss" not in stat:
            return stat
        below = {name.removeprefix("total_"): stat[name] for name in stat if "total_" in name}
        return {"anon": below["rss"], "file": below["cache"], **below}

    def processes(self) -> list[int]:
        """Return the ids of all processes in it and the groups below it, in our process namespace."""
        found = []
        for folder in _bottom_up(self.memory):
            with contextlib.suppress(FileNotFoundError):  # the container has just ended
                found += (folder / "cgroup.procs").read_text().split()
        return [int(pid) for pid in found]


def create(name: str) -> None:
    """Make the group *name* in every hierarchy, so that it can have groups below it."""
    for root in hierarchies():
        _delegate(root)
        (root / name).mkdir(parents=True, exist_ok=True)
        for folder in reversed([root / name, *(root / name).parents]):
            if folder.is_relative_to(root) and folder != root:
                _delegate(folder)
                for setting in ("cpuset.cpus", "cpuset.mems"):  # empty at first on version 1
                    if (folder / setting).exists() and _unset(folder / setting):
                        (folder / setting).write_text((folder.parent / setting).read_text())


def _unset(setting: Path) -> bool:
    return not (setting.parent / "cgroup.controllers").exists() and not setting.read_text().strip()


def _delegate(folder: Path) -> None:
    """Enable all controllers for the groups below (version 2)."""
    offered = folder / "cgroup.controllers"
    if offered.exists():
        for controller in offered.read_text().split():
            with contextlib.suppress(OSError):  # some can't be enabled below
                (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def thaw(name: str) -> None:
    """Thaw frozen processes. On version 1 a frozen process can't even be killed."""
    for folder in [folder for root in hierarchies() for folder in _bottom_up(root / name)]:
        if (folder / "freezer.state").exists():
            (folder / "freezer.state").write_text("THAWED")


def remove(name: str, seconds: float = 30) -> None:
    """Remove the group *name* and those below it; raises BusyError if processes stay in one."""
    deadline = time.monotonic() + seconds
    for folder in [folder for root in hierarchies() for folder in _bottom_up(root / name)]:
        while True:
            try:
                folder.rmdir()
            except FileNotFoundError:
                break
            except OSError as error:  # its processes have ended, but the kernel still counts them
                if time.monotonic() > deadline:
                    raise BusyError(f"{folder}: {error}") from error
                time.sleep(0.02)
            else:
                break


def _bottom_up(folder: Path) -> Iterator[Path]:
    for path, _, _ in os.walk(folder, topdown=False):
        yield Path(path)
