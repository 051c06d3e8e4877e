"""Choose where the models are mounted, and find what conflicts with that.

Paths are compared as the kernel sees them. The API server compares strings, so it admits
both /models and /models/, which are the same place at run time.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from webhook.admission import codes
from webhook.admission.containers.readings import Outcome, Readings
from webhook.admission.problem import Problem, Rejected
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest
from webhook.admission.request.model import Model
from webhook.admission.strategies.strategy import Strategy
from webhook.models import layout
from webhook.objects import names
from webhook.objects.container import Container, VolumeMount
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.values.paths import collide, normalised

MODELS: Final = "/models"
OWN_MODELS: Final = "/modelcache/models"
"""Where models are mounted if the pod mounts something at MODELS itself."""


def model_mounts(
    request: CacheRequest, strategy: Strategy, facts: Facts, containers: Sequence[Container]
) -> list[Json]:
    """Return the mount of each model, as an entry of the volumeMounts of *containers*.

    With layout hf-cache, these are the folders of a cache: cache_mounts says where they go.
    """
    options = request.options
    found: list[Json] = []
    for model, provided in zip(request.models, strategy.provided(), strict=True):
        mount: Json = {"name": provided.volume, "mountPath": _path(model, containers)}
        if provided.sub_path:
            mount["subPath"] = provided.sub_path
        if options.read_only:
            mount["readOnly"] = True
            if not facts.older_than(31):
                # This includes what is mounted below it (KEP-3857). Older servers drop the field.
                mount["recursiveReadOnly"] = "IfPossible"
        found.append(mount)
    clashes = [
        Problem(
            codes.MOUNT_PATH,
            "modelcache.io/mount-path",
            f"two models would be mounted at {one['mountPath']} and {other['mountPath']}: "
            "give each its own mount-path",
        )
        for i, one in enumerate(found)
        for other in found[i + 1 :]
        if collide(one["mountPath"], other["mountPath"])
    ]
    if clashes:
        raise Rejected(clashes)
    return found


def _path(model: Model, containers: Sequence[Container]) -> str:
    """Return where the model is mounted: what an earlier review chose, else what is free."""
    if model.mount_path:
        return model.mount_path
    path = f"{MODELS}/{model.directory}"
    other = f"{OWN_MODELS}/{model.directory}"
    taken = False
    for container in containers:
        for mount in container.volume_mounts or ():
            there = normalised(mount.mount_path)
            if names.is_model_volume(mount.name) and there in (path, other):
                return there
            taken |= bool(mount.mount_path) and collide(there, path)
    return other if taken else path


def cache_mounts(
    readings: Readings, mounts: Sequence[Json], *, directories: bool
) -> Iterator[Json]:
    """Yield the mounts of the models as folders of the Hugging Face cache that a container reads.

    *mounts*: those of the directories, or with layout hf-cache (not *directories*) those of the
    folders themselves, which every container gets.
    """
    for reading, mount in zip(readings.models, mounts, strict=True):
        repository = reading.model.source.repository
        if not repository or (directories and reading.outcome is not Outcome.CACHE):
            continue
        folder = layout.hub_cache_folder(repository)
        for root in readings.roots.paths:
            found = {**mount, "mountPath": f"{root.rstrip('/')}/{folder}"}
            if directories:
                found["subPath"] = f"{mount['subPath']}/{folder}" if "subPath" in mount else folder
            yield {key: found[key] for key in (*_ORDER, *found) if key in found}


_ORDER: Final = ("name", "mountPath", "subPath")


def check_directories(container: Container, mounts: Sequence[Json]) -> list[Problem]:
    """Return a problem for each directory of ours that meets a mount of the container."""
    problems = []
    for ours, theirs in _meeting(container, mounts):
        paths: list[str] = []
        for mount in mounts:
            paths.append(_free(container, mount, paths))
        words = "remove that mount"
        if all(paths):
            words = f"write modelcache.io/mount-path: {','.join(paths)}, or {words}"
        problems.append(_occupied(container, ours, theirs, words))
    return problems


def check_folders(container: Container, folders: Sequence[Json]) -> list[Problem]:
    """Return a problem for each folder of a cache at or above a mount of the container.

    It may be inside such a mount.
    """
    return [
        _occupied(
            container,
            ours,
            theirs,
            "remove that mount, or set modelcache.io/layout: directory to keep it",
        )
        for ours, theirs in _meeting(container, folders)
        if not ours["mountPath"].startswith(normalised(theirs.mount_path).rstrip("/") + "/")
    ]


def _meeting(container: Container, mounts: Sequence[Json]) -> Iterator[tuple[Json, VolumeMount]]:
    """Yield each mount of ours with each of the container that is the same place, above or below.

    Ours may be there already, from an earlier review.
    """
    for ours in mounts:
        for theirs in container.volume_mounts or ():
            path = normalised(theirs.mount_path)
            if theirs.name == ours["name"] and path == ours["mountPath"]:
                continue
            if theirs.mount_path and collide(path, ours["mountPath"]):
                yield ours, theirs


def _occupied(container: Container, ours: Json, theirs: VolumeMount, words: str) -> Problem:
    return Problem(
        codes.MOUNT_PATH,
        PREFIX + "mount-path",
        f"container {container.name} already mounts something at {theirs.mount_path}, where "
        f"{ours['mountPath']} would be mounted: {words}",
    )


def _free(container: Container, ours: Json, taken: Sequence[str]) -> str:
    """Return where *ours* can be in *container*: where it is, else elsewhere; empty: nowhere.

    *taken*: the places of other models.
    """
    path = str(ours["mountPath"])
    for found in (path, f"/modelcache{path}", f"/modelcache-models{path}"):
        meets = any(_meeting(container, [{**ours, "mountPath": found}]))
        if not meets and not any(collide(found, other) for other in taken if other):
            return found
    return ""
