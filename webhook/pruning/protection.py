"""Find the models that pods may read: from their mounts, and from the names in these."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from webhook.pruning.whereabouts import Whereabouts
from webhook.store.contents import Published
from webhook.store.readers import View

APART: Final = 300.0
"""Seconds of difference that the clocks of a node and of the file system may have."""


def protected(
    models: Sequence[Published], views: Iterable[View], where: Whereabouts
) -> dict[Path, str]:
    """Return the models that pods may read, each with the reason."""
    found: dict[Path, str] = {}
    folders = frozenset(model.place.parent.name for model in models)
    for view in views:
        parts = where.inside(view, folders)
        if parts is not None:
            for model, reason in _read(models, parts, view, where):
                found.setdefault(model.place, reason)
    return found


def _read(
    models: Sequence[Published], parts: tuple[str, ...], view: View, where: Whereabouts
) -> Iterator[tuple[Published, str]]:
    if not parts:
        what = f"claim {view.claim}" if view.claim else view.path
        reason = f"pod {view.pod} mounts all of {what}{where.hint(view)}"
        yield from ((model, reason) for model in models)
        return
    revisions = [model for model in models if model.place.parent.name == parts[0]]
    if len(parts) == 1:
        yield from ((model, f"pod {view.pod} mounts all its revisions") for model in revisions)
        return
    name = parts[1]
    if same := [model for model in revisions if model.place.name == name]:
        yield same[0], f"pod {view.pod} reads it"
        return
    refs = [(model, ref) for model in revisions for ref in model.refs if ref.name == name]
    if not refs:
        reason = f"pod {view.pod} reads {name}, and nobody knows which commit that was"
        yield from ((model, reason) for model in revisions)
        return
    [(current, ref)] = refs
    yield current, f"pod {view.pod} reads {name}"
    switched = _switched(ref)
    if view.started <= switched + APART:
        reason = f"pod {view.pod} reads {name}, which may have pointed to it when the pod started"
        earlier = (model for model in revisions if model.published <= switched + APART)
        yield from ((model, reason) for model in earlier)


def _switched(ref: Path) -> float:
    """Return when a name was last moved, seconds since 1970; infinity if it is being moved."""
    try:
        return ref.lstat().st_mtime
    except FileNotFoundError:
        return float("inf")
