"""Find out whether a write to a tmpfs would exceed the memory limit of the writer.

The kernel charges the pages of a tmpfs to the control group of the process that writes
them, and kills the process at the limit. The page cache of other files is charged too, but the
kernel can take it back. Swap is not counted: a model that is swapped out is not in memory.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webhook.store.file_system import IN_MEMORY, PROC, file_system, mounts
from webhook.values.quantity import MI, Quantity

OVERHEAD: Final = 96 * MI
"""Bytes that a copy or a download needs in addition to the model: buffers, threads.

admission.memory gives a loader more: it also counts what the process already holds.
"""
_TREE: Final = 256
"""The kernel charges at most one more byte for this many of a tmpfs: 576 for 64 pages."""
_UNLIMITED: Final = 1 << 60
"""Version 1 has a number of at least this many bytes where version 2 has `max`."""
_FILES: Final = (
    ("memory.max", "memory.current"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),
)
"""The files of limit and usage, in version 2 and in version 1."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The memory limit of a control group."""

    file: Path
    """The file that holds the limit."""
    limit: int
    """Bytes."""
    used: int
    """Bytes in use that can't be taken back."""


def is_memory(directory: Path) -> bool:
    """Whether files below *directory* are memory, charged to the writer."""
    return file_system(directory) in IN_MEMORY


def beyond_limit(needed: int, proc: Path = PROC) -> str | None:
    """Return how *needed* more bytes of tmpfs exceed the memory limit; None if they fit.

    Also None if there is no limit. *proc*: the folder in /proc of the process that writes.
    """
    overhead = OVERHEAD + needed // _TREE
    tightest = min(limits(proc), key=lambda one: one.limit - one.used, default=None)
    if tightest is None or tightest.limit - tightest.used - overhead >= needed:
        return None
    limit, used = tightest.limit, tightest.used
    return (
        f"limit {limit} - used {used} - overhead {overhead} < needed {needed} "
        f"({_read(limit)} - {_read(used)} - {_read(overhead)} < {_read(needed)}; the limit is "
        f"that of {tightest.file})"
    )


def limits(proc: Path = PROC) -> Iterator[Limit]:
    """Yield the limits of the process's control group and of the visible groups above it.

    A container may see only the first: the groups above it are not mounted there.
    """
    for folder in _groups(proc):
        for limit, usage in _FILES:
            with contextlib.suppress(OSError, ValueError):
                text = (folder / limit).read_text().strip()
                if text != "max" and int(text) < _UNLIMITED:
                    used = int((folder / usage).read_text()) - _page_cache(folder)
                    yield Limit(folder / limit, int(text), max(0, used))


def _groups(proc: Path) -> Iterator[Path]:
    """Yield the folders of the control group that accounts for memory, and of those above it."""
    try:
        lines = [line.split(":", 2) for line in (proc / "cgroup").read_text().splitlines()]
    except OSError:
        return
    paths = {name: path for _, controllers, path in lines for name in controllers.split(",")}
    for mount in mounts(proc):
        if mount.kind == "cgroup" and "memory" in mount.options:
            path = paths.get("memory")
        elif mount.kind == "cgroup2" and "memory" not in paths:
            path = paths.get("")
        else:
            continue
        if path is not None:
            yield from _upwards(mount.point, mount.root, path)


def _upwards(point: Path, root: str, path: str) -> Iterator[Path]:
    inside = Path(path).is_relative_to(root) and ".." not in Path(path).parts
    # A container may see a path that is not mounted there: then its own group is at the root.
    folder = point / Path(path).relative_to(root) if inside else point
    while not folder.exists() and folder != point:
        folder = folder.parent
    yield folder
    while folder != point:
        folder = folder.parent
        yield folder


def _page_cache(folder: Path) -> int:
    """Return the bytes of page cache for files on disks, without those of a tmpfs."""
    lines = (folder / "memory.stat").read_text().splitlines()
    stat = {name: int(value) for name, value in (line.split() for line in lines)}
    # In version 1 the plain names count this group without those below it.
    below = "total_" if "total_rss" in stat else ""
    return stat.get(below + "inactive_file", 0) + stat.get(below + "active_file", 0)


def _read(number: int) -> str:
    return str(Quantity(-(-number // MI) * MI))
