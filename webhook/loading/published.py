"""Find a model that the store has already, so that it is downloaded once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from webhook.loading.origins.origin import RemoteFile, Unavailable
from webhook.loading.patterns import Patterns, chosen, globs_fit
from webhook.models.layout import MANIFEST
from webhook.store.last_use import stamp
from webhook.store.manifest import Manifest, read_manifest
from webhook.store.verify import Unread, faults_of


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


@dataclass(frozen=True, slots=True)
class Damaged:
    """A model that a loader published, and that is not whole any more."""

    place: Path
    faults: Sequence[str]


def published(
    place: Path, files: Sequence[RemoteFile], patterns: Patterns, *, full: bool = False
) -> Loaded | Damaged | None:
    """Return the model at *place*, None if there is none; Unavailable if it is another one.

    *full*: its digests are compared too. It is stamped if it is whole, and then looked for again.
    So either `prune` sees the stamp and puts the model back, or this function sees that the model
    is gone.
    """
    manifest = _manifest(place)
    if not isinstance(manifest, Manifest):
        return manifest
    there, wanted = {file.path for file in manifest.files}, {file.path for file in files}
    if patterns.used_by(manifest.patterns):  # perhaps with what an earlier version took by default
        wanted = {path for path in wanted if globs_fit(path, manifest.patterns)}
    if missing := sorted(wanted - there):
        raise Unavailable(
            f"{place}: was published without {', '.join(missing[:5])}, and is not changed, since "
            "pods may read it: load with the patterns of its manifest, or remove it first"
        )
    found = _whole(place, manifest, full=full)
    if isinstance(found, Damaged) and there != wanted:
        raise Unavailable(_narrower(found, manifest))
    return found


def pinned(
    place: Path, patterns: Patterns, *, safetensors_only: bool, full: bool = False
) -> Loaded | None:
    """Return the model of a commit that was loaded with these patterns; None: ask the source.

    A commit does not change, so a node that restarts needs no network. Unavailable if its weights
    are pickle, and *safetensors_only* refuses that.
    """
    try:
        manifest = read_manifest(place / MANIFEST)
    except (OSError, msgspec.MsgspecError):
        return None
    used = patterns.used_by(manifest.patterns)
    found = _whole(place, manifest, full=full) if used else None
    if not isinstance(found, Loaded):
        return None
    files = [RemoteFile(file.path, file.size) for file in manifest.files]
    chosen(files, patterns, safetensors_only=safetensors_only)
    return found


def same(
    place: Path, patterns: Patterns, *, safetensors_only: bool, full: bool = False
) -> Loaded | Damaged | None:
    """Return the model if it was loaded with these patterns; None if there is none.

    Unavailable if it was loaded with others.
    """
    if found := pinned(place, patterns, safetensors_only=safetensors_only, full=full):
        return found
    manifest = _manifest(place)
    if not isinstance(manifest, Manifest):
        return manifest
    if not patterns.used_by(manifest.patterns):
        raise Unavailable(
            f"{place}: was published with other patterns, and is not changed, since pods may read "
            "it: load with the patterns of its manifest, or remove it first"
        )
    return _whole(place, manifest, full=full)


def _manifest(place: Path) -> Manifest | Damaged | None:
    """Return the manifest of the model at *place*, None if nothing is there.

    Damaged if it was cut or overwritten; Unavailable if there is none, or it can't be read.
    """
    if not place.exists():
        return None
    try:
        return read_manifest(place / MANIFEST)
    except FileNotFoundError:
        if not place.exists():
            return None
        raise Unavailable(
            f"{place}: is not a published model: it has no {MANIFEST}, and is not changed: move it "
            "away, or name it in the annotation modelcache.io/directory"
        ) from None
    except OSError as error:
        raise Unavailable(f"{place / MANIFEST}: can't be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        return Damaged(place, [f"{MANIFEST}: can't be read: {error}"])


def _narrower(found: Damaged, manifest: Manifest) -> str:
    """Return why a damaged model stays: pods may need files that these patterns leave out."""
    flags = [f"--allow '{glob}'" for glob in manifest.patterns.allow]
    flags += [f"--ignore '{glob}'" for glob in manifest.patterns.ignore]
    remedy = "it has files that these patterns leave out: load it again with " + " ".join(flags)
    return "\n".join(f"{found.place}: {text}" for text in (*found.faults, remedy))


def _whole(place: Path, manifest: Manifest, *, full: bool) -> Loaded | Damaged | None:
    """Return the model if it is whole, None if it has gone meanwhile."""
    faults = list(faults_of(place, full=full))
    if not faults:
        stamp(place)
    if place.exists() and (unread := [fault for fault in faults if isinstance(fault, Unread)]):
        lines = [f"{place}: {fault}: run this as the owner of the store" for fault in unread]
        raise Unavailable("\n".join(lines))
    if not (place / MANIFEST).exists() and not place.exists():
        return None
    return Damaged(place, faults) if faults else _loaded(place, manifest)


def _loaded(place: Path, manifest: Manifest) -> Loaded:
    return Loaded(place, sum(file.size for file in manifest.files), 0)
