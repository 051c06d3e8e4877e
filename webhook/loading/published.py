"""Find a model that the store has already, so that it is downloaded once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from webhook.loading.origins.origin import RemoteFile, Unavailable
from webhook.loading.patterns import Patterns, chosen
from webhook.models.layout import MANIFEST
from webhook.store.last_use import stamp
from webhook.store.manifest import Manifest, read_manifest
from webhook.store.verify import faults_of


@dataclass(frozen=True, slots=True)
class Loaded:
    """A published model."""

    place: Path
    size: int
    """Bytes."""
    fetched: int
    """Bytes that came from the source; 0 if the store had the model."""
    ours: bool = False
    """Whether this process wrote it."""


def published(place: Path, files: Sequence[RemoteFile]) -> Loaded | None:
    """Return the model at *place*, None if there is none; Unavailable if it is another one.

    It is stamped before it is read. So either `prune` sees the stamp and puts the model back, or
    this function sees that the model is gone.
    """
    if not place.exists():
        return None
    stamp(place)
    try:
        manifest = read_manifest(place / MANIFEST)
    except (OSError, msgspec.MsgspecError) as error:
        if not place.exists():
            return None
        raise Unavailable(f"{place}: is not a published model: {MANIFEST}: {error}") from error
    there = {file.path: file for file in manifest.files}
    if missing := [file.path for file in files if file.path not in there]:
        raise Unavailable(
            f"{place}: was published without {', '.join(missing[:5])}, and is not changed, since "
            "pods may read it: load with the patterns of its manifest, or remove it first"
        )
    if faults := list(faults_of(place)):
        if not place.exists():
            return None
        raise Unavailable("\n".join(f"{place}: {fault}" for fault in faults))
    return _loaded(place, manifest)


def pinned(place: Path, patterns: Patterns, *, safetensors_only: bool) -> Loaded | None:
    """Return the model of a commit that was loaded with these patterns; None: ask the source.

    A commit does not change, so a node that restarts needs no network. Unavailable if its weights
    are pickle, and *safetensors_only* refuses that.
    """
    if place.exists():
        stamp(place)
    try:
        manifest = read_manifest(place / MANIFEST)
    except (OSError, msgspec.MsgspecError):
        return None
    used = (manifest.patterns.allow, manifest.patterns.ignore)
    if used != (patterns.allow, patterns.ignore) or any(faults_of(place)):
        return None
    files = [RemoteFile(file.path, file.size) for file in manifest.files]
    chosen(files, patterns, safetensors_only=safetensors_only)
    return _loaded(place, manifest)


def same(place: Path, patterns: Patterns, *, safetensors_only: bool) -> Loaded | None:
    """Return the model if it was loaded with these patterns; None if there is none.

    Unavailable if it was loaded with others, or is damaged.
    """
    found = pinned(place, patterns, safetensors_only=safetensors_only)
    if found is None and place.exists():
        raise Unavailable(
            f"{place}: was published with other patterns, or is damaged, and is not changed, since "
            "pods may read it: load with the patterns of its manifest, or remove it first"
        )
    return found


def _loaded(place: Path, manifest: Manifest) -> Loaded:
    return Loaded(place, sum(file.size for file in manifest.files), 0)
