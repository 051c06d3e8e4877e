"""A file system of FUSE that shows a folder and lacks what some network file systems lack.

usage: python -m tests.loading.lacking FOLDER MOUNTPOINT [WHAT …]
"""

import contextlib
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.forking.process import ENVIRONMENT
from tests.kubernetes import packages
from tests.kubernetes.processes import GUARD
from tests.kubernetes.registration import wait_until

ROOT: Final = Path(__file__).parents[2]
WHAT: Final = {
    "symlinks": errno.EPERM,  # SMB without mfsymlinks, blobfuse
    "symlinks, as CIFS says it": errno.EOPNOTSUPP,
    "hard links": errno.EOPNOTSUPP,
    "renames of folders": errno.EMFILE,  # gcsfuse of a flat bucket
    "renames": errno.ENOSYS,  # mountpoint-s3
    "fsync of folders": errno.EINVAL,
    "times": errno.EPERM,
    "case": 0,
}
"""What can be lacking, and the answer to whoever wants it."""


@contextlib.contextmanager
def lacking(mountpoint: Path, folder: Path, *what: str) -> Iterator[Path]:
    """Mount such a file system for a `with` block; yield the mount point."""
    packages.install()
    for new in (folder, mountpoint):
        new.mkdir(exist_ok=True)
    command = [sys.executable, str(GUARD), str(os.getpid()), sys.executable, "-m", __name__]
    command += [str(folder), str(mountpoint), *what]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **ENVIRONMENT}) as process:
        try:
            wait_until(mountpoint.is_mount, f"{mountpoint} is mounted", 30)
            yield mountpoint
        finally:
            subprocess.run(["umount", mountpoint], check=False)
            # A node that started meanwhile may have a copy of the mount, which keeps it alive.
            process.terminate()
            process.wait(30)


def main(folder: str, mountpoint: str, *what: str) -> None:
    """Serve until it is unmounted."""
    import mfusepy  # noqa: PLC0415  # loads the library of FUSE

    lacks = {one: WHAT[one] for one in what}

    def refuse(*kinds: str) -> None:
        for kind in kinds:
            if kind in lacks:
                raise mfusepy.FuseOSError(lacks[kind])

    class Lacking(mfusepy.Operations):  # type: ignore[misc]  # it has no types
        use_ns = True  # times in nanoseconds

        def _real(self, path: str) -> str:
            if "case" not in lacks:
                return folder + path
            found = folder
            for part in path.strip("/").split("/"):
                names = os.listdir(found) if os.path.isdir(found) else []  # noqa: PTH112, PTH208
                found += "/" + next((n for n in names if n.lower() == part.lower()), part)
            return found

        def access(self, path: str, mode: int) -> int:
            if not os.access(self._real(path), mode):
                raise mfusepy.FuseOSError(errno.EACCES)
            return 0

        def getattr(self, path: str, fh: Any = None) -> dict[str, Any]:
            found = os.lstat(self._real(path))
            names = ("atime", "ctime", "gid", "mode", "mtime", "nlink", "size", "uid")
            stat = {f"st_{name}": getattr(found, f"st_{name}") for name in names}
            return stat | {
                f"st_{n}": getattr(found, f"st_{n}_ns") for n in ("atime", "ctime", "mtime")
            }

        def readdir(self, path: str, fh: Any) -> list[str]:
            return [".", "..", *os.listdir(self._real(path))]  # noqa: PTH208

        def readlink(self, path: str) -> str:
            return os.readlink(self._real(path))  # noqa: PTH115

        def mkdir(self, path: str, mode: int) -> int:
            os.mkdir(self._real(path), mode)  # noqa: PTH102
            return 0

        def rmdir(self, path: str) -> int:
            os.rmdir(self._real(path))  # noqa: PTH106
            return 0

        def unlink(self, path: str) -> int:
            os.unlink(self._real(path))  # noqa: PTH108
            return 0

        def symlink(self, target: str, source: str) -> int:
            refuse("symlinks", "symlinks, as CIFS says it")
            os.symlink(source, self._real(target))  # noqa: PTH211
            return 0

        def link(self, target: str, source: str) -> int:
            refuse("hard links")
            os.link(self._real(source), self._real(target))
            return 0

        def rename(self, old: str, new: str, flags: int = 0) -> int:
            refuse("renames")
            if os.path.isdir(self._real(old)) and not os.path.islink(self._real(old)):  # noqa: PTH112, PTH114
                refuse("renames of folders")
            os.rename(self._real(old), self._real(new))  # noqa: PTH104
            return 0

        def statfs(self, path: str) -> dict[str, int]:
            found = os.statvfs(folder)
            names = ("bavail", "bfree", "blocks", "bsize", "favail", "ffree", "files", "flag")
            return {f"f_{n}": getattr(found, f"f_{n}") for n in (*names, "frsize", "namemax")}

        def truncate(self, path: str, length: int, fh: Any = None) -> int:
            os.truncate(self._real(path), length)
            return 0

        def utimens(self, path: str, times: Any = None) -> int:
            refuse("times")
            os.utime(self._real(path), ns=times, follow_symlinks=False)
            return 0

        def chmod(self, path: str, mode: int) -> int:
            os.chmod(self._real(path), mode)  # noqa: PTH101
            return 0

        def chown(self, path: str, uid: int, gid: int) -> int:
            os.chown(self._real(path), uid, gid)
            return 0

        def open(self, path: str, flags: int) -> int:
            return os.open(self._real(path), flags & ~(os.O_DIRECT | os.O_APPEND))

        def create(self, path: str, mode: int, fi: Any = None) -> int:
            return os.open(self._real(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            return os.pread(fh, size, offset)

        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            return os.pwrite(fh, data, offset)

        def flush(self, path: str, fh: int) -> int:
            return 0

        def release(self, path: str, fh: int) -> int:
            os.close(fh)
            return 0

        def fsync(self, path: str, datasync: int, fh: int) -> int:
            os.fsync(fh)
            return 0

        def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
            refuse("fsync of folders")
            return 0

    mfusepy.FUSE(Lacking(), mountpoint, foreground=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
