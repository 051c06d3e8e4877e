"""Take private memory and /dev/shm, and read the limit of the control group."""

import contextlib
import mmap
import os
from pathlib import Path
from typing import Final

from tests.images.inference_server.model import CHUNK, CannotServeError, Json

SHARED_MEMORY: Final = Path("/dev/shm")
LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
NO_LIMIT: Final = 2**60
"""Version 1 of control groups uses a number above this one for no limit."""


def fill_shared_memory(size: int) -> Json:
    """Write *size* bytes to /dev/shm, as tensor parallelism does; return that and its capacity."""
    space = os.statvfs(SHARED_MEMORY)
    if size:
        path = SHARED_MEMORY / f"inference-{os.getpid()}"
        try:
            with path.open("wb") as file:
                for start in range(0, size, CHUNK):
                    file.write(bytes(min(CHUNK, size - start)))
        except OSError as error:
            path.unlink(missing_ok=True)
            raise CannotServeError(f"{size} bytes in /dev/shm: {error.strerror}") from error
    return {"size": space.f_blocks * space.f_frsize, "written": size}


def allocate(size: int) -> mmap.mmap | None:
    """Return private memory of *size* bytes, with every page written."""
    if not size:
        return None
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for start in range(0, size, mmap.PAGESIZE):
        memory[start] = 1
    return memory


def memory_limit() -> int | None:
    """Return the memory limit of the control group in bytes; None if it has none."""
    for path in LIMITS:
        with contextlib.suppress(OSError):
            text = path.read_text().strip()
            return None if text == "max" or int(text) > NO_LIMIT else int(text)
    return None


class Held(list[mmap.mmap]):
    """Memory that clients requested."""

    def bytes(self) -> int:
        """Return the sum of its bytes."""
        return sum(len(memory) for memory in self)
