"""Whether what is written to a tmpfs would exceed the memory limit of the writer.

The kernel charges the pages of a tmpfs to the control group of the process that writes
them, and kills it at the limit. The page cache of other files is charged too, but taken
back. Swap is not counted: a model that is swapped out is not in memory.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webhook.store.file_system import IN_MEMORY, PROC, file_system, mounts
from webhook.values.quantity import MI, Quantity

OVERHEAD: Final = 96 * MI
"""Bytes that a copy or a download comes to need beside the model: buffers, threads.

Less than admission.memory gives a loader: that also counts what the process already holds.
"""
_TREE: Final = 256
"""For so many bytes of a tmpfs the kernel charges one more: 576 for each 64 pages."""
_UNLIMITED: Final = 1 << 60
"""Version 1 says the largest number of pages where version 2 says `max`."""
_FILES: Final = (
    ("memory.max", "memory.current"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),
)
"""Limit and usage, of version 2 and 1."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The memory limit of a control group."""

    file: Path
    """That says it."""
    limit: int
    """Bytes."""
    used: int
    """Bytes in use that can't be taken back."""


def is_memory(directory: Path) -> bool:
    """Whether files below *directory* are memory, charged to the writer."""
    return file_system(directory) in IN_MEMORY


def beyond_limit(needed: int, proc: Path = PROC) -> str | None:
    """Return how *needed* bytes more of tmpfs exceed the memory limit; None if they fit.

    None too if there is no limit. *proc*: the folder of /proc of the process that writes.
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
    """Yield the limits of the process's control group and of those above it that are seen here.

    In a container the first may be the only one: what is above is then not mounted.
    """
    for folder in _groups(proc):
        for limit, usage in _FILES:
            with contextlib.suppress(OSError, ValueError):
                text = (folder / limit).read_text().strip()
                if text != "max" and int(text) < _UNLIMITED:
                    used = int((folder / usage).read_text()) - _page_cache(folder)
                    yield Limit(folder / limit, int(text), max(0, used))


def _groups(proc: Path) -> Iterator[Path]:
    """Yield the folders of the group and of those above it, where its memory is accounted."""
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
    # In a container a path may be told that is not mounted: its own group is at the root then.
    folder = point / Path(path).relative_to(root) if inside else point
    while not folder.exists() and folder != point:
        folder = folder.parent
    yield folder
    while folder != point:
        folder = folder.parent
        yield folder


def _page_cache(folder: Path) -> int:
    """Return the bytes of files on disks in memory; those of a tmpfs are not among them."""
    lines = (folder / "memory.stat").read_text().splitlines()
    stat = {name: int(value) for name, value in (line.split() for line in lines)}
    below = "total_" if "total_rss" in stat else ""  # version 1 tells the group alone apart
    return stat.get(below + "inactive_file", 0) + stat.get(below + "active_file", 0)


def _read(number: int) -> str:
    return str(Quantity(-(-number // MI) * MI))
