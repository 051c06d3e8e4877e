"""When a loader last asked for a published model: the time of an empty file beside it.

Access times tell nothing: where pods read, mounts are read-only, and most others are noatime. The
file lies beside the model, not in it, so that what is published never changes and what is copied
or verified has nothing more in it.
"""

import contextlib
import os
from pathlib import Path


def stamp(place: Path) -> None:
    """Say that the model at *place* is asked for now; a store that is read-only here stays so."""
    with contextlib.suppress(OSError):
        _file(place).touch()


def stamped(place: Path) -> float | None:
    """Return when the model at *place* was last asked for, seconds since 1970; None: never said."""
    try:
        with _file(place).open() as file:  # opened, not looked at: NFS asks the server then
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return None


def forget(place: Path) -> None:
    """Remove what is said of a model that is no longer there."""
    with contextlib.suppress(OSError):
        _file(place).unlink()


def _file(place: Path) -> Path:
    return place.with_name(f".{place.name}.used")
