"""Check what is reserved for us in a pod: our names, and read-only mounts of the models."""

from collections.abc import Collection, Sequence

from webhook.admission import codes
from webhook.admission.init_containers.container import NO_TOKEN
from webhook.admission.problem import Problem
from webhook.admission.strategies.strategy import Strategy
from webhook.admission.strategies.tmpfs import same_tmpfs
from webhook.objects import names
from webhook.objects.json import Json
from webhook.objects.pod import PodSpec


def check_reserved(
    spec: PodSpec, ours: Sequence[Json], shm: Json | None, strategy: Strategy
) -> list[Problem]:
    """Return a problem for each name of ours that belongs to something else.

    *ours*: the volumes of *strategy*, and those that a loader copies from.
    """
    problems = []
    wanted = {volume["name"]: volume for volume in ours}
    theirs = {volume.name: volume for volume in spec.volumes or ()}
    for name, volume in theirs.items():
        if (
            (name in wanted and not strategy.receipt(volume, wanted[name]))
            or (shm and name == shm["name"] and not same_tmpfs(volume, shm))
            or (name == NO_TOKEN["name"] and not same_tmpfs(volume, NO_TOKEN))
        ):
            problems.append(
                Problem(
                    codes.VOLUME_NAME,
                    f"spec.volumes {name}",
                    "has a name of modelcache, but not the source that belongs to it: rename it",
                )
            )
    injected = names.MODEL_VOLUME in theirs
    for container in spec.init_containers or ():
        # Not by its image, which a webhook for registry mirrors may have changed since.
        is_ours = injected and (container.command or ())[:1] == (names.COMMAND,)
        if container.name in (names.LOADER, names.GATE) and not is_ours:
            problems.append(
                Problem(
                    codes.CONTAINER_NAME,
                    f"spec.initContainers {container.name}",
                    "has the name of a container of modelcache: rename it",
                )
            )
    if strategy.request.options.read_only:
        problems += _writable(spec, wanted if strategy.filled_by_loader else ())
    return problems


def _writable(spec: PodSpec, filled: Collection[str]) -> list[Problem]:
    """Return a problem for each writable mount of a model, except the loader's.

    *filled*: the volumes that the loader writes.
    """
    return [
        Problem(
            codes.VOLUME_NAME,
            f"container {container.name}",
            f"mounts {mount.name} writable: set readOnly: true, or modelcache.io/read-only: "
            '"false" where policy allows it',
        )
        for container in (*(spec.containers or ()), *(spec.init_containers or ()))
        for mount in container.volume_mounts or ()
        if names.is_model_volume(mount.name)
        and not mount.read_only
        and not (container.name == names.LOADER and mount.name in filled)
    ]
