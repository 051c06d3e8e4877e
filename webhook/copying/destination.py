"""Look at a destination before it is emptied: whether a copy made what it holds, and its size.

A tmpfs outlives a killed loader, so an earlier copy may be there, whole or in part. A copy that
runs has a folder .incoming-…, before the first file is removed and until the last one is in place.
A whole copy has the manifest, or else the files of the source, with their sizes.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Final

from webhook.copying.model_tree import Item
from webhook.models.layout import INCOMING, MANIFEST

_SHOWN: Final = 5
_BLOCK: Final = 512
"""Bytes that st_blocks counts in: stat(2)."""


def foreign(destination: Path, items: Iterable[Item]) -> list[PurePath]:
    """Return the files in *destination* that no copy of *items* put there; none: empty it.

    OSError if it can't be read.
    """
    if not os.path.lexists(destination):
        return []
    if (destination / MANIFEST).is_file() or any(destination.glob(f"{INCOMING}-*")):
        return []
    sizes = {item.path: item.size for item in items if item.link is None}
    links = {item.path for item in items if item.link is not None}
    return [
        path
        for path, size in _entries(destination)
        if not (path in links if size is None else sizes.get(path) == size)
    ]


def refusal(destination: Path, found: list[PurePath]) -> str:
    """Return why a destination is not emptied that holds *found*."""
    some = ", ".join(map(str, found[:_SHOWN]))
    more = f" and {len(found) - _SHOWN} more files" if len(found) > _SHOWN else ""
    return (
        f"{destination}: holds {some}{more}, which no copy of this model put there, and would be "
        "emptied: give another DEST, or --force to remove what it holds"
    )


def freed(destination: Path) -> int:
    """Return the bytes that are free once *destination* is empty; not those with other names."""
    names: dict[tuple[int, int], list[int]] = {}
    for root, _, files in os.walk(destination):
        for name in files:
            found = Path(root, name).lstat()
            names.setdefault((found.st_dev, found.st_ino), [found.st_nlink, found.st_blocks])
            names[found.st_dev, found.st_ino][0] -= 1
    return sum(blocks * _BLOCK for others, blocks in names.values() if others <= 0)


def _entries(destination: Path) -> Iterator[tuple[PurePath, int | None]]:
    """Yield what is in a folder and no folder: its path there, and its size; None: a link."""
    if not destination.is_dir():
        yield PurePath(destination.name), -1
        return
    for root, folders, files in os.walk(destination):
        for name in (*files, *(name for name in folders if Path(root, name).is_symlink())):
            path = Path(root, name)
            size = None if path.is_symlink() else path.stat().st_size
            yield path.relative_to(destination), size
