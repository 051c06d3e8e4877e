"""Collect what one container still lacks: mounts, variables, arguments with the path."""

from collections.abc import Sequence
from dataclasses import dataclass

from webhook.admission.containers.arguments import rewritten
from webhook.admission.containers.choice import Place
from webhook.admission.containers.environment import other_variables, path_variables
from webhook.admission.containers.readings import Readings
from webhook.objects import names
from webhook.objects.json import Json
from webhook.values.paths import normalised


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPlan:
    """What one container gains."""

    place: Place
    readings: Readings
    mounts: tuple[Json, ...]
    first_env: tuple[Json, ...]
    """Variables in front of the author's, which may refer to them."""
    env: tuple[Json, ...]
    arguments: tuple[Json, ...] = ()


def container_plan(
    place: Place,
    readings: Readings,
    mounts: Sequence[Json],
    folders: Sequence[Json],
    shm: Json | None,
) -> ContainerPlan:
    """Return what the container lacks.

    *mounts*: the mounts of the models as directories, if it gets those; *folders*: those in the
    caches that it reads. *shm*: the volume for /dev/shm, None for no volume.
    """
    container = place.container
    wanted = [*mounts, *folders]
    there = {(m.name, normalised(m.mount_path)) for m in container.volume_mounts or ()}
    lacking = [m for m in wanted if (m["name"], m["mountPath"]) not in there]
    if shm and (shm["name"], names.SHM_PATH) not in there:
        lacking.append({"name": shm["name"], "mountPath": names.SHM_PATH})
    paths = [str(mount["mountPath"]) for mount in mounts]
    return ContainerPlan(
        place=place,
        readings=readings,
        mounts=tuple(lacking),
        first_env=tuple(path_variables(readings, paths)),
        env=tuple(other_variables(readings, paths)),
        arguments=tuple(rewritten(place.pointer, readings, paths)) if paths else (),
    )
