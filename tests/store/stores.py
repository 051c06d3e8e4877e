"""Owns stores of the tests: the real loader fills them, and their times are set back."""

import os
import time
from pathlib import Path

from tests.cli.command import modelcache
from tests.store.models import manifest, sharded

DAY = 86400.0


def loaded(
    store: Path, repository: str = "acme/tiny", commit: str = "a" * 40, *, ref: str = "main", size: int = 256
) -> Path:  # fmt: skip
    """Load a model of the hub's into *store*, from a directory that has its manifest."""
    store.mkdir(exist_ok=True)
    source = store.parent / "sources" / repository / commit
    if not source.is_dir():
        sharded(source, 2, size)
        manifest(source, f"hf://{repository}@{ref}", commit)
    ran = modelcache("load", f"file://{source}", store, "--progress", "json")
    assert ran.status == 0, ran.err
    return store / repository.replace("/", "--") / commit


def aged(place: Path, *, days: float, used: float | None = None) -> Path:
    """Make a model *days* old, and its last use *used* days ago."""
    at(place / ".modelcache.json", days)
    at(place.with_name(f".{place.name}.used"), days if used is None else used)
    return place


def at(path: Path, days: float) -> None:
    """Set the time of a file to *days* ago."""
    then = time.time() - days * DAY
    os.utime(path, (then, then), follow_symlinks=False)


def tree(store: Path) -> dict[str, tuple[int, int]]:
    """Return everything in a store, with modes and times."""
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns)
        for path in sorted(store.rglob("*"))
    }
