"""Yield the files below a directory, through links to folders too."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def below(
    directory: Path, follow: Callable[[Path], bool], failed: Callable[[OSError], None]
) -> Iterator[Path]:
    """Yield what is below *directory* and no folder, in the order of names.

    A link to a folder is followed if *follow* says so, but never into a folder that the link is in.
    Otherwise it is yielded itself. *failed* gets the error of a folder that can't be read.
    """
    yield from _below(directory, follow, failed, frozenset())


def _below(
    folder: Path,
    follow: Callable[[Path], bool],
    failed: Callable[[OSError], None],
    around: frozenset[str],
) -> Iterator[Path]:
    around |= {os.path.realpath(folder)}
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  # names, to be sorted
    except OSError as error:
        failed(error)
        return
    for name in names:
        path = folder / name
        if _enters(path, follow, around):
            yield from _below(path, follow, failed, around)
        else:
            yield path


def _enters(path: Path, follow: Callable[[Path], bool], around: frozenset[str]) -> bool:
    if not os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises what this calls False
        return False
    return not path.is_symlink() or (os.path.realpath(path) not in around and follow(path))


def ends_inside(path: Path, directory: Path) -> bool:
    """Whether a path leads to a place in *directory* after all links; False if it leads nowhere."""
    try:
        return path.resolve(strict=True).is_relative_to(directory.resolve())
    except (OSError, RuntimeError):  # RuntimeError: links that lead to each other
        return False
