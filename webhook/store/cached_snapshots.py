"""Find a model in a Hugging Face cache that its own programs filled, such as `hf download`.

huggingface_hub, "Understand caching": models--org--name has refs, files with the commit of a
branch; snapshots, one folder for each commit; and blobs, the contents, which the files in a
snapshot link to. Large files of the hub have their sha256 as the name of the blob.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webhook.models.layout import DEFAULT_REVISION, HUB_CACHE
from webhook.models.source import REVISION, Source, canonical, parse_source

_SNAPSHOTS: Final = "snapshots"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class CachedSnapshot:
    """One commit of a model in a Hugging Face cache."""

    cache: Path
    """The folder models--org--name, in which all its links end."""
    directory: Path
    source: Source

    @property
    def commit(self) -> str:
        """The name of its folder."""
        return self.directory.name


def cached_snapshot(path: Path) -> CachedSnapshot | None:
    """Return the snapshot that *path* is, or that models--org--name[@revision] has as its current.

    None if it is no Hugging Face cache; ValueError if that has no such revision.
    """
    if path.parent.name == _SNAPSHOTS and path.parents[1].name.startswith(HUB_CACHE):
        return _found(path.parents[1], path.name, path.name)
    name, at, revision = path.name.partition("@")
    cache = path if path.exists() else path.with_name(name)
    if not name.startswith(HUB_CACHE) or not (cache / _SNAPSHOTS).is_dir():
        return None
    if at and not path.exists():
        return _found(cache, revision, _commit(cache, revision))
    there = sorted(one.name for one in (cache / _SNAPSHOTS).iterdir() if one.is_dir())
    if len(there) == 1 and not (cache / "refs" / DEFAULT_REVISION).exists():
        return _found(cache, there[0], there[0])
    return _found(cache, DEFAULT_REVISION, _commit(cache, DEFAULT_REVISION))


def sha256_of_blob(path: Path) -> str | None:
    """Return the sha256 that the name of a file's blob says; None if it says none."""
    name = path.resolve().name
    return name if path.is_symlink() and _SHA256.fullmatch(name) else None


def _found(cache: Path, revision: str, commit: str) -> CachedSnapshot | None:
    repository = cache.name.removeprefix(HUB_CACHE).replace("--", "/")
    try:
        source = parse_source(f"{canonical(repository)}@{revision}")
    except ValueError:
        return None
    return CachedSnapshot(cache, cache / _SNAPSHOTS / commit, source)


def _commit(cache: Path, revision: str) -> str:
    """Return the commit of a revision; ValueError names what is there if there is none."""
    there = sorted(one.name for one in (cache / _SNAPSHOTS).iterdir() if one.is_dir())
    ref = cache / "refs" / revision
    commit = ref.read_text().strip() if REVISION.fullmatch(revision) and ref.is_file() else revision
    if commit in there:
        return commit
    refs = sorted(one.name for one in (cache / "refs").glob("*") if one.is_file())
    offered = ", ".join((*refs, *there)[:_SHOWN]) or "none"
    raise ValueError(
        f"{cache}: has no snapshot of {revision}, only {offered}: write one of them behind @, or "
        "download the model again"
    )
