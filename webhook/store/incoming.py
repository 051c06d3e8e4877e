"""Keep a model in a folder of its own while it is written, and let one loader work at a time.

flock is not used: on NFS and Lustre it may do nothing. A loader shows that it is alive by touching
a file. If several load the same model, the first continues and the others wait for it. In the end
the rename of the publication decides: two loaders may do the same work twice, but no model is
published in halves.
"""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Self

import msgspec

from webhook.models.layout import HUB_CACHE, INCOMING
from webhook.store.replaced import is_replaced

BEAT_SECONDS: Final = 5.0
GONE_SECONDS: Final = 60.0
"""After so long without a sign of life, a loader counts as ended."""
_SURELY_SECONDS: Final = 3600.0
"""The same, if only the clock of this machine is available."""
_WRITER: Final = "writer.json"
_NEW: Final = "new.json"
_UNMOVED: Final = re.compile(r"\..+\.[0-9a-f]{16}")


class Writer(msgspec.Struct, frozen=True):
    """Which process writes which model."""

    model: str
    """FOLDER/COMMIT of the model: where it will be published."""
    host: str
    boot: str
    """Of the machine and its PID namespace; *pid* has a meaning only within both."""
    pid: int
    since: float = 0.0
    """When it began, by the clock of the file system."""
    total: int = 0
    """Bytes of the whole model, 0 if its source does not say."""


def end_all() -> None:
    """Stop all signs of life: this process is about to end."""
    for incoming in tuple(_LIVING):
        incoming.end()


class Incoming:
    """A folder below .incoming, with signs of life in a `with` block; it stays if that fails."""

    def __init__(self, store: Path, model: str, total: int = 0) -> None:
        """*total*: bytes of the model, 0 if its source does not say."""
        self._root = store / INCOMING
        self.path = self._root / secrets.token_hex(8)
        self.files = self.path / "files"
        self.parts = self.path / "parts"
        self.layers = self.path / "layers"
        """Archives whose files are not unpacked yet."""
        self._model, self._total = model, total
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self.parts.mkdir(parents=True)
        self.files.mkdir()
        writer = Writer(self._model, socket.gethostname(), _boot(), os.getpid(), total=self._total)
        first = self.path / _NEW
        first.write_bytes(msgspec.json.encode(writer))
        since = first.stat().st_mtime
        self.writer = msgspec.structs.replace(writer, since=since)
        first.write_bytes(msgspec.json.encode(self.writer))
        first.rename(self.path / _WRITER)
        _LIVING.add(self)
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop the signs of life: the next loader of the same model need not wait."""
        self._over.set()
        _LIVING.discard(self)
        with contextlib.suppress(OSError):
            os.utime(self.path / _WRITER, (0, 0))

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            # On failure the folder was taken over, or the disk is gone: other loaders notice.
            with contextlib.suppress(OSError):
                if not self._over.is_set():
                    _touch(self.path / _WRITER)

    def before(self) -> Writer | None:
        """Return the living loader of the same model that came first; None if it is our turn."""
        mine = (self.writer.since, self.path.name)
        rivals = [
            writer
            for folder, writer in self._others()
            if (writer.since, folder.name) < mine and not self._gone(folder, writer)
        ]
        return min(rivals, key=lambda writer: writer.since, default=None)

    def inherit(self) -> int:
        """Take over what ended loaders of the same model left; return how many there were."""
        left = [folder for folder, writer in self._others() if self._gone(folder, writer)]
        for folder in left:
            for part in _files(folder / "parts"):
                _take(part, self.parts / part.name)
            for whole in (folder / "files", folder / "layers"):
                for file in _files(whole):  # they are read and compared again, as all parts are
                    name = file.relative_to(whole)
                    if not name.parts[0].startswith(HUB_CACHE):  # it has the same files again
                        _take(file, self.parts / part_name(str(name)))
            shutil.rmtree(folder, ignore_errors=True)
        return len(left)

    def borrow(self, place: Path, sizes: Mapping[str, int | None]) -> None:
        """Take the files of a damaged model at *place* that have their size, by hard links.

        *sizes*: bytes by path. They are read and compared again, as all parts are. None of them is
        changed: what is too short or too long stays there.
        """
        for path, size in sizes.items():
            file, part = place / path, self.parts / part_name(path)
            with contextlib.suppress(OSError):  # without hard links they are downloaded
                if not file.is_symlink() and file.stat().st_size == size and size:
                    part.unlink(missing_ok=True)
                    os.link(file, part)

    def remove(self) -> None:
        """Remove the folder with everything that is not published."""
        self.end()
        shutil.rmtree(self.path, ignore_errors=True)

    def _others(self) -> Iterator[tuple[Path, Writer]]:
        for folder, writer in writers(self._root):
            if folder != self.path and writer.model == self._model:
                yield folder, writer

    def _gone(self, folder: Path, writer: Writer) -> bool:
        mine = self.path / _WRITER
        _touch(mine)
        return gone(folder, writer, now=mine.stat().st_mtime)


def _touch(file: Path) -> None:
    """Set the time of a JSON file to now."""
    try:
        os.utime(file)
    except FileNotFoundError:
        raise
    except OSError:  # a file system that sets no times sets one when it is written to
        with file.open("ab") as opened:
            opened.write(b"\n")


_LIVING: Final[set[Incoming]] = set()


def sweep(store: Path, model: str) -> None:
    """Remove what loaders of *model* left: it is published, so no loader will continue there."""
    # Earlier versions made the link of a name next to it, and left that if they were killed.
    for link in (store / model).parent.glob(".*.*"):
        with contextlib.suppress(OSError):
            if _UNMOVED.fullmatch(link.name) and link.is_symlink() and _is_old(link):
                link.unlink()
    for folder, writer in remains(store):
        if writer is None or writer.model == model:
            shutil.rmtree(folder, ignore_errors=True)


def _is_old(link: Path) -> bool:
    return time.time() - link.lstat().st_mtime > _SURELY_SECONDS


def remains(store: Path) -> Iterator[tuple[Path, Writer | None]]:
    """Yield the folders below .incoming that no loader writes any more, and their writers.

    A loader that was killed while it began, or while it removed its folder, has left no writer.json
    there: then the age of the folder decides.
    """
    now = time.time() - _SURELY_SECONDS
    root = store / INCOMING
    for folder, writer in writers(root):
        if gone(folder, writer, now=now):
            yield folder, writer
    with contextlib.suppress(FileNotFoundError):
        for folder in sorted(root.iterdir()):
            with contextlib.suppress(OSError):
                if (folder / _WRITER).exists() or is_replaced(folder):
                    continue
                if folder.stat().st_mtime < now:
                    yield folder, None


def writers(root: Path) -> Iterator[tuple[Path, Writer]]:
    """Yield the folders below .incoming that have a writer.json, and what it says."""
    with contextlib.suppress(FileNotFoundError):
        for folder in sorted(root.iterdir()):
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                # Opened instead of stat: NFS then asks the server.
                yield folder, msgspec.json.decode((folder / _WRITER).read_bytes(), type=Writer)


def gone(folder: Path, writer: Writer, *, now: float) -> bool:
    """Whether a writer has ended; *now* is the time by the clock of the file system."""
    if writer.boot == _boot() and not Path(f"/proc/{writer.pid}").exists():
        return True
    try:
        with (folder / _WRITER).open() as file:
            return now - os.fstat(file.fileno()).st_mtime > GONE_SECONDS
    except OSError:
        return True


def part_name(path: str) -> str:
    """Return the name of the part in which a file of the model arrives."""
    return hashlib.sha256(path.encode()).hexdigest()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _take(left: Path, ours: Path) -> None:
    """Move a file; if both exist, keep the longer one."""
    with contextlib.suppress(OSError):
        if not ours.exists() or ours.stat().st_size < left.stat().st_size:
            left.rename(ours)


def _boot() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
