"""The files and links of a model's directory, as they are copied.

A link that leaves the model, or leads nowhere, is a fault: the copy would not be
the model.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class Item:
    """One file or link to copy."""

    source: Path
    destination: Path
    size: int
    """Bytes."""
    link: str | None = None
    """What the link says, from where it is."""


def listed(source: Path, destination: Path) -> list[Item]:
    """Return what of *source* is to be copied to *destination*; ValueError if it can't be."""
    if not source.is_dir():
        raise ValueError(f"{source}: is not a directory: the model was not published here")
    here, there = source.resolve(), destination.resolve()
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise ValueError(f"{destination}: what it holds is removed, so it can't overlap {source}")
    items = list(_items(source, destination))
    if not items:
        raise ValueError(f"{source}: is empty: the model was not published here")
    return items


def _raise(error: OSError) -> NoReturn:
    raise error


def _items(source: Path, destination: Path) -> Iterator[Item]:
    root = source.resolve()
    for folder, folders, names in os.walk(source, onerror=_raise):
        here = Path(folder)
        for name in sorted((*names, *(f for f in folders if (here / f).is_symlink()))):
            path = here / name
            target = destination / path.relative_to(source)
            if path.is_symlink():
                yield Item(path, target, 0, _link(path, root))
            elif path.is_file():
                yield Item(path, target, path.stat().st_size)
            else:
                raise ValueError(f"{path}: is neither file, directory nor link")


def _link(path: Path, root: Path) -> str:
    """Return the link to make in the copy; ValueError if it leaves the model."""
    try:
        end = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path}: is a link that leads nowhere") from error
    if not end.is_relative_to(root):
        raise ValueError(f"{path}: is a link that leaves the model")
    said = path.readlink()
    return os.path.relpath(end, path.parent.resolve()) if said.is_absolute() else str(said)
