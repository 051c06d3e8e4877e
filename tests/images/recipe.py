"""Keep a cache of images: an archive is built once, and again when its contents change."""

import contextlib
import dataclasses
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from tests.images.archive import Image
from tests.kubernetes import binaries

ROOT: Final = Path(__file__).parents[2]
FORMAT: Final = Path(__file__).with_name("archive.py")
KEPT: Final = 3
"""How many archives of an image are kept, because other checkouts use the same cache."""
RECENT: Final = 3600
"""Seconds for which an archive may be in use after it was requested."""


class CannotBuildError(Exception):
    """An image is missing and cannot be built here; the text says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """One image: what decides its contents, and how it is built."""

    name: str
    parts: Callable[[], Iterable[bytes]]
    make: Callable[[Path], Image]
    """Builds the image; its argument is a folder for temporary files."""

    @property
    def reference(self) -> str:
        """The name under which a node knows the image."""
        return f"modelcache.io/tests/{self.name}:1"

    def digest(self) -> str:
        """Return the digest of everything that decides the contents."""
        hashed = hashlib.sha256()
        for part in (FORMAT.read_bytes(), *self.parts()):
            hashed.update(hashlib.sha256(part).digest())
        return hashed.hexdigest()[:16]

    def path(self, *names: str) -> Path:
        """Return the archive, built first if it is missing. The image gets *names* in addition to its own.

        The webhook treats an image with the name of a known server as that server's.
        """
        folder = images() / self.name
        target = folder / f"{self.digest()}.tar"
        renamed = target
        if names:
            suffix = hashlib.sha256("\0".join(names).encode()).hexdigest()[:16]
            renamed = target.with_name(f"{target.stem}-{suffix}.tar")
        if not renamed.exists():
            with binaries.locked(folder / ".lock"):
                if not target.exists():  # another process may have built it meanwhile
                    self._build(target)
                if not renamed.exists():
                    Image.read(target).write(renamed, self.reference, *names)
        os.utime(renamed)
        return renamed

    def _build(self, target: Path) -> None:
        say(f"building image {self.name} (once: the result is cached) …")
        began = time.monotonic()
        with _scratch(target.with_suffix(".parts")) as parts:
            self.make(parts).write(target, self.reference)
        _forget(target.parent)
        size, seconds = target.stat().st_size / 10**6, time.monotonic() - began
        say(f"built image {self.name} in {seconds:.0f} s, {size:.0f} MB")


def images() -> Path:
    """Return where archives are kept."""
    return binaries.cache() / "images"


def contents(*paths: str) -> Iterator[bytes]:
    """Yield name and content of each file of the checkout at or below *paths*."""
    for path in sorted(paths):
        start = ROOT / path
        found = start.rglob("*") if start.is_dir() else [start]
        for file in sorted(found):
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file.relative_to(ROOT)).encode()
                yield file.read_bytes()


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)  # left by a process that was killed
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _forget(folder: Path) -> None:
    """Remove archives that were not requested lately, except the most recent ones."""
    by_age = sorted((path.stat().st_mtime, path) for path in folder.glob("*.tar"))
    for used, path in by_age[:-KEPT]:
        if used < time.time() - RECENT:
            path.unlink()


def say(line: str) -> None:
    """Print a line of progress."""
    sys.stderr.write(f"tests.images: {line}\n")
    sys.stderr.flush()
