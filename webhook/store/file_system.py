"""Find the mounts in /proc/self/mountinfo, and the file system of a directory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc/self")
IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
"""File systems whose files are memory, charged to the process that writes them."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo."""

    root: str
    """The part of the file system that is mounted, such as "/"."""
    point: Path
    kind: str
    """The type of file system, such as ext4 or nfs4."""
    options: frozenset[str]
    """Options of the file system; for control groups of version 1, the controllers."""


def mounts(proc: Path = PROC) -> Iterator[Mount]:
    """Yield the mounts, in the order of mountinfo; none if it can't be read."""
    try:
        lines = (proc / "mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, (kind, *rest) = before.split(), after.split()
        options = frozenset(rest[-1].split(",")) if rest else frozenset()
        yield Mount(_unescaped(fields[3]), Path(_unescaped(fields[4])), kind, options)


def file_system(directory: Path) -> str:
    """Return the type of a directory's file system, such as ext4; "unknown" if it can't be read."""
    place, depth, found = directory.resolve(), 0, "unknown"
    for mount in mounts():
        # If several are mounted at one place, the last one is visible.
        if place.is_relative_to(mount.point) and len(mount.point.parts) >= depth:
            depth, found = len(mount.point.parts), mount.kind
    return found


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), field)
