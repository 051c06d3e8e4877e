"""Collect what one container still lacks: mounts, variables, arguments with the path."""

from collections.abc import Sequence
from dataclasses import dataclass

from webhook.admission import codes
from webhook.admission.containers.arguments import rewrite
from webhook.admission.containers.choice import Place
from webhook.admission.containers.environment import environment
from webhook.admission.containers.servers import server_of
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest
from webhook.objects import names
from webhook.objects.json import Json
from webhook.values.paths import normalised


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPlan:
    """What one container gains."""

    place: Place
    mounts: tuple[Json, ...]
    env: tuple[Json, ...]
    arguments: tuple[Json, ...] = ()


def container_plan(
    place: Place, mounts: Sequence[Json], shm: Json | None, request: CacheRequest
) -> tuple[ContainerPlan, list[Problem]]:
    """Return what the container lacks, and remarks.

    *mounts*: the mounts of the models. *shm*: the volume for /dev/shm, None for no volume.
    """
    container = place.container
    there = {(m.name, normalised(m.mount_path)) for m in container.volume_mounts or ()}
    lacking = [m for m in mounts if (m["name"], m["mountPath"]) not in there]
    if shm and (shm["name"], names.SHM_PATH) not in there:
        lacking.append({"name": shm["name"], "mountPath": names.SHM_PATH})
    arguments: tuple[Json, ...] = ()
    remarks = []
    options = request.options
    if options.rewrite_args and options.layout == "directory":
        paths = {
            model.source.repository or model.source.uri: str(mount["mountPath"])
            for model, mount in zip(request.models, mounts, strict=True)
        }
        result = rewrite(place.pointer, container, server_of(container), paths)
        arguments = result.operations
        if not result.found:
            why = "names the model inside a longer word" if result.hidden else "names no such model"
            remarks.append(
                Problem(
                    codes.ARGUMENTS,
                    PREFIX + "rewrite-args",
                    f"{container.name} {why}; nothing was replaced",
                )
            )
    return (
        ContainerPlan(
            place=place,
            mounts=tuple(lacking),
            env=tuple(environment(container, server_of(container), request, mounts)),
            arguments=arguments,
        ),
        remarks,
    )
