"""Record when a loader last requested a published model: the time of an empty file next to it.

Access times do not help: pods mount models read-only, and most other mounts are noatime. The file
is next to the model and not in it, so that a published model never changes, and copies and checks
of it meet no other file.
"""

import contextlib
import os
from pathlib import Path


def stamp(place: Path) -> None:
    """Record that the model at *place* is requested now; do nothing if the store is read-only."""
    file = _file(place)
    with contextlib.suppress(OSError):
        try:
            os.utime(file)
        except OSError:  # there is none, or a file system sets no times: a new one has the time
            file.unlink(missing_ok=True)
            file.touch()


def stamped(place: Path) -> float | None:
    """Return when the model at *place* was last requested, seconds since 1970; None: no record."""
    try:
        with _file(place).open() as file:  # opened instead of stat: NFS then asks the server
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return None


def forget(place: Path) -> None:
    """Remove the record of a model that was removed."""
    with contextlib.suppress(OSError):
        _file(place).unlink()


def _file(place: Path) -> Path:
    return place.with_name(f".{place.name}.used")
