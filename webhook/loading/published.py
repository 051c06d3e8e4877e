"""What a store has already: a model is downloaded once."""

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
    """A model that readers see."""

    place: Path
    size: int
    """Bytes."""
    fetched: int
    """Bytes that came from the source; 0 if it was there."""


def published(place: Path, files: Sequence[RemoteFile]) -> Loaded | None:
    """Return what is there, None if nothing is; Unavailable if it is not what is wanted.

    Stamped before it is looked at: either `prune` sees the stamp and puts back what it has taken
    away, or the model is seen to be gone here.
    """
    if not place.exists():
        return None
    stamp(place)
    try:
        manifest = read_manifest(place / MANIFEST)
    except (OSError, msgspec.MsgspecError) as error:
        if not place.exists():
            return None
        raise Unavailable(f"{place}: is no published model: {MANIFEST}: {error}") from error
    there = {file.path: file for file in manifest.files}
    if missing := [file.path for file in files if file.path not in there]:
        raise Unavailable(
            f"{place}: was published without {', '.join(missing[:5])}: it is not changed, for pods "
            "may read it; load with the patterns of its manifest, or remove it first"
        )
    if faults := list(faults_of(place)):
        if not place.exists():
            return None
        raise Unavailable("\n".join(f"{place}: {fault}" for fault in faults))
    return _loaded(place, manifest)


def pinned(place: Path, patterns: Patterns, *, safetensors_only: bool) -> Loaded | None:
    """Return the model of a commit that was loaded by these patterns; None: ask the source.

    A commit does not change, so a node that starts again needs no network. Unavailable if its
    weights are pickle, and that is refused now.
    """
    if place.exists():
        stamp(place)
    try:
        manifest = read_manifest(place / MANIFEST)
    except (OSError, msgspec.MsgspecError):
        return None
    asked = (manifest.patterns.allow, manifest.patterns.ignore)
    if asked != (patterns.allow, patterns.ignore) or any(faults_of(place)):
        return None
    files = [RemoteFile(file.path, file.size) for file in manifest.files]
    chosen(files, patterns, safetensors_only=safetensors_only)
    return _loaded(place, manifest)


def same(place: Path, patterns: Patterns, *, safetensors_only: bool) -> Loaded | None:
    """Return what was loaded by these patterns, None if nothing is there; else Unavailable."""
    found = pinned(place, patterns, safetensors_only=safetensors_only)
    if found is None and place.exists():
        raise Unavailable(
            f"{place}: was published by other patterns, or is not whole: it is not changed, for "
            "pods may read it; load with the patterns of its manifest, or remove it first"
        )
    return found


def _loaded(place: Path, manifest: Manifest) -> Loaded:
    return Loaded(place, sum(file.size for file in manifest.files), 0)
