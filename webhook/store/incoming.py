"""Where a model is while it is written: a folder of its own, and whose turn it is.

No flock: on NFS and Lustre it may do nothing. A loader says that it lives by touching a file; of
those that load the same, the first goes on and the others wait for it. What decides in the end
is the rename of the publication: two loaders may do the same work, but never half of it each.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import msgspec

from webhook.models.layout import INCOMING

BEAT_SECONDS: Final = 5.0
GONE_SECONDS: Final = 60.0
"""Without a sign of life: its loader is taken to have ended."""
_SURELY_SECONDS: Final = 3600.0
"""The same where only the clock of this machine is at hand."""
_WRITER: Final = "writer.json"
_NEW: Final = "new.json"


class Writer(msgspec.Struct, frozen=True):
    """Who writes what."""

    model: str
    """The folder of the model, with its commit: what will be published."""
    host: str
    boot: str
    """Of the machine, and its namespace of processes: within one, *pid* means something."""
    pid: int
    since: float = 0.0
    """By the clock of the file system."""
    total: int = 0
    """Bytes that it will have, as far as its source says."""


def end_all() -> None:
    """Give no more signs of life: this process is about to end."""
    for incoming in tuple(_LIVING):
        incoming.end()


class Incoming:
    """A folder below .incoming; it lives for a `with` block, and stays if that fails."""

    def __init__(self, store: Path, model: str, total: int = 0) -> None:
        """*total*: bytes of the model, as far as its source says."""
        self._root = store / INCOMING
        self.path = self._root / secrets.token_hex(8)
        self.files = self.path / "files"
        self.parts = self.path / "parts"
        self.layers = self.path / "layers"
        """Archives, until their files are unpacked."""
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
        """Give no more signs of life: whoever loads the same next need not wait."""
        self._over.set()
        _LIVING.discard(self)
        with contextlib.suppress(OSError):
            os.utime(self.path / _WRITER, (0, 0))

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):  # taken over, or the disk is away: others will see
                if not self._over.is_set():
                    os.utime(self.path / _WRITER)

    def before(self) -> Writer | None:
        """Return who loads the same, lives and came first; None if it is our turn."""
        mine = (self.writer.since, self.path.name)
        rivals = [
            writer
            for folder, writer in self._others()
            if (writer.since, folder.name) < mine and not self._gone(folder, writer)
        ]
        return min(rivals, key=lambda writer: writer.since, default=None)

    def inherit(self) -> int:
        """Take over what loaders of the same that have ended left; return how many there were."""
        left = [folder for folder, writer in self._others() if self._gone(folder, writer)]
        for folder in left:
            for part in _files(folder / "parts"):
                _take(part, self.parts / part.name)
            for whole in (folder / "files", folder / "layers"):
                for file in _files(whole):  # read and compared once more, as all parts are
                    _take(file, self.parts / part_name(str(file.relative_to(whole))))
            shutil.rmtree(folder, ignore_errors=True)
        return len(left)

    def remove(self) -> None:
        """Remove what is not published."""
        self.end()
        shutil.rmtree(self.path, ignore_errors=True)

    def _others(self) -> Iterator[tuple[Path, Writer]]:
        for folder, writer in writers(self._root):
            if folder != self.path and writer.model == self._model:
                yield folder, writer

    def _gone(self, folder: Path, writer: Writer) -> bool:
        mine = self.path / _WRITER
        os.utime(mine)
        return gone(folder, writer, now=mine.stat().st_mtime)


_LIVING: Final[set[Incoming]] = set()


def sweep(store: Path, model: str) -> None:
    """Remove what loaders of *model* have left; it is published, so nobody will go on with it."""
    for folder, writer in remains(store):
        if writer is None or writer.model == model:
            shutil.rmtree(folder, ignore_errors=True)


def remains(store: Path) -> Iterator[tuple[Path, Writer | None]]:
    """Yield the folders below .incoming that nobody writes any more, and who wrote them.

    One that was ended while it began, or while it removed, says nothing of itself: age decides.
    """
    now = time.time() - _SURELY_SECONDS
    root = store / INCOMING
    for folder, writer in writers(root):
        if gone(folder, writer, now=now):
            yield folder, writer
    with contextlib.suppress(FileNotFoundError):
        for folder in sorted(root.iterdir()):
            with contextlib.suppress(OSError):
                if not (folder / _WRITER).exists() and folder.stat().st_mtime < now:
                    yield folder, None


def writers(root: Path) -> Iterator[tuple[Path, Writer]]:
    """Yield the folders below .incoming that say who writes them."""
    with contextlib.suppress(FileNotFoundError):
        for folder in sorted(root.iterdir()):
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                # Opened, not looked at: NFS asks the server then.
                yield folder, msgspec.json.decode((folder / _WRITER).read_bytes(), type=Writer)


def gone(folder: Path, writer: Writer, *, now: float) -> bool:
    """Whether a writer has ended; *now* is by the clock of the file system."""
    if writer.boot == _boot() and not Path(f"/proc/{writer.pid}").exists():
        return True
    try:
        with (folder / _WRITER).open() as file:
            return now - os.fstat(file.fileno()).st_mtime > GONE_SECONDS
    except OSError:
        return True


def part_name(path: str) -> str:
    """Return what a file of the model is called while it is a part."""
    return hashlib.sha256(path.encode()).hexdigest()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _take(left: Path, ours: Path) -> None:
    """Move a file; of two, the longer is kept."""
    with contextlib.suppress(OSError):
        if not ours.exists() or ours.stat().st_size < left.stat().st_size:
            left.rename(ours)


def _boot() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
