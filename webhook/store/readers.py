"""Find what pods see of stores, from their volumes and mounts: anybody can write an annotation.

A pod is a dict, as the API server sends it. Init containers count as long as the pod lives,
because the kubelet runs them again if it has to recreate the pod's sandbox.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Final

from webhook.models.layout import DEFAULT_REVISION as _FLOATING
from webhook.models.layout import HUB_CACHE, uri_folder
from webhook.models.source import parse_source
from webhook.objects import names
from webhook.objects.json import Json

ENDED: Final = frozenset({"Succeeded", "Failed"})
"""Phases of pods that no longer read anything."""
_OURS: Final = ("prune", "status")
"""Our commands that read no model, whatever they mount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one pod sees of one volume."""

    pod: str
    """NAMESPACE/NAME."""
    volume: str
    node: str
    """Empty: not scheduled yet."""
    started: float
    """Seconds since 1970; nothing was mounted earlier."""
    claim: str | None
    """NAMESPACE/NAME; None: the volume is a directory of the node."""
    path: str
    """In the claim, without slashes at its ends, empty for all of it; or on the node."""


def views(pods: Iterable[Json]) -> list[View]:
    """Return what pods that have not ended see of claims and of directories of nodes."""
    return [
        view
        for pod in pods
        if (pod.get("status") or {}).get("phase") not in ENDED
        for view in dict.fromkeys(_of(pod))
    ]


def _of(pod: Json) -> Iterator[View]:
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    volumes = {volume["name"]: volume for volume in spec.get("volumes") or ()}
    since = status.get("startTime") or meta["creationTimestamp"]
    for container in _readers(spec):
        for mount in container.get("volumeMounts") or ():
            volume = volumes.get(mount["name"], {})
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            directory = (volume.get("hostPath") or {}).get("path")
            if not claim and not directory:
                continue
            for path in _paths(container, mount):
                yield View(
                    pod=f"{meta['namespace']}/{meta['name']}",
                    volume=mount["name"],
                    node=spec.get("nodeName") or "",
                    started=datetime.fromisoformat(since).timestamp(),
                    claim=f"{meta['namespace']}/{claim}" if claim else None,
                    path=str(PurePosixPath(directory, path)) if directory else path,
                )


def _readers(spec: Json) -> Iterator[Json]:
    """Yield the containers that may read a model.

    An init container that prepares the store for a loader with the same image is left out.
    """
    first = spec.get("initContainers") or []
    loaders = [i for i, container in enumerate(first) if _does(container, "load")]
    for i, container in enumerate(first):
        if not any(i < n and container["image"] == first[n]["image"] for n in loaders):
            yield container
    for kind in ("containers", "ephemeralContainers"):
        yield from spec.get(kind) or ()


def _does(container: Json, *commands: str) -> bool:
    """Whether a container runs one of our commands."""
    words = container.get("command") or []
    return words[:1] == [names.COMMAND] and bool({*words[1:2]} & {*commands})


def _paths(container: Json, mount: Json) -> Iterator[str]:
    """Yield the paths that a mount shows, from the root of its volume."""
    if _does(container, *_OURS):
        return
    if _does(container, "load") and (loaded := _loaded(container["command"][2:])):
        yield from loaded
        return
    if mount.get("subPathExpr"):
        yield ""  # only the kubelet knows what it expands to
        return
    path = PurePosixPath(mount.get("subPath") or "")
    yield "" if str(path) == "." else str(path)


def _loaded(words: list[str]) -> list[str]:
    """Return the paths in the store of the model that a loader loads; empty if they are unknown."""
    source = next((word for word in words if not word.startswith("-")), "")
    scheme, _, path = source.partition("://")
    if scheme == "file":
        # A model of another store keeps its name; any other directory is named after the URI.
        where = PurePosixPath(path)
        cached = [part for part in where.parts if part.startswith(HUB_CACHE)]
        cache, _, revision = (cached or [""])[-1].partition("@")
        if cache:  # a Hugging Face cache: models--org--name[@revision], or a snapshot in it
            at = where.name if where.parent.name == "snapshots" else revision or _FLOATING
            return [f"{cache.removeprefix(HUB_CACHE)}/{at}"]
        return ["/".join(where.parts[-2:]), f"{uri_folder(source)}/{_FLOATING}"]
    try:
        found = parse_source(source)
    except ValueError:
        return []
    return [f"{found.folder}/{found.revision or _FLOATING}"]
