"""Read what a control group is charged with: pages of tmpfs, of files on a disk, of processes."""

import dataclasses
import time

from tests.kubernetes.cgroups import Cgroup


@dataclasses.dataclass(frozen=True, slots=True)
class Charges:
    """What a group and the groups below it are charged with, in bytes."""

    tmpfs: int
    """Pages of tmpfs, which stay until the file is removed."""
    files: int
    """Pages of files on a disk, which the kernel releases when memory is needed."""
    processes: int
    """Everything else: memory of processes, and of the kernel on their behalf."""


def charges(group: Cgroup) -> Charges:
    """Return what *group* is charged with now."""
    stat = group.charged()

    def below(name: str) -> int:
        return stat.get(
            f"total_{name}", stat[name]
        )  # only version 1 distinguishes the group itself

    shared, files = below("shmem"), below("inactive_file") + below("active_file")
    return Charges(shared, files, group.usage() - shared - files)


def tmpfs(group: Cgroup, expected: int, seconds: float = 10) -> int:
    """Return the bytes of tmpfs as soon as they are *expected*, or those after *seconds*.

    The kernel adds up its statistics every other second (FLUSH_TIME of mm/memcontrol.c).
    """
    deadline = time.monotonic() + seconds
    while (found := charges(group).tmpfs) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
