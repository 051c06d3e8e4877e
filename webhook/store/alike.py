"""Find names that are one in a file system which can't tell them apart, such as a.json and A.json.

They differ in case, in how Unicode writes an accent, or in dots and spaces at the end. Which of
these a file system takes for one is found by trying such names, and no others.
"""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory


def conflated(directory: Path, paths: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of *paths*, or of their folders, that are one in the file system of *directory*.

    Two folders that are one lose nothing, and are left out. OSError if it can't be written to.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for path in sorted({*paths, *(folder for file in paths for folder in _folders(file))}):
        alike[_plain(path)].append(path)
    groups = [group for group in alike.values() if len(group) > 1]
    if not groups:
        return
    files = set(paths)
    known: dict[tuple[str, str], bool] = {}
    with TemporaryDirectory(prefix=".probe-", dir=directory) as folder:
        for group in groups:
            for number, other in enumerate(group):
                for one in group[:number]:
                    if {one, other} & files and _same(Path(folder), one, other, known):
                        yield one, other


def _folders(path: str) -> list[str]:
    return [str(parent) for parent in list(PurePosixPath(path).parents)[:-1]]


def _plain(path: str) -> str:
    """Return what names have in common that some file system takes for one."""
    parts = unicodedata.normalize("NFKC", path).casefold().split("/")
    return "/".join(part.rstrip(" .") for part in parts)


def _same(folder: Path, one: str, other: str, known: dict[tuple[str, str], bool]) -> bool:
    """Whether two paths are one, because each pair of names in them is."""
    pairs = zip(one.split("/"), other.split("/"), strict=True)
    for pair in pairs:
        if pair[0] != pair[1]:
            if pair not in known:
                known[pair] = _conflates(folder, *pair)
            if not known[pair]:
                return False
    return True


def _conflates(folder: Path, one: str, other: str) -> bool:
    made = folder / one
    try:
        made.touch()
        return os.path.lexists(folder / other)
    except OSError:  # a name that can't be: the load says so
        return False
    finally:
        made.unlink(missing_ok=True)
