"""Where the models are mounted, and what may stand in the way.

Paths are compared as the kernel sees them; the API server compares strings, so
it lets /models and /models/ through, and both are one place at run time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from webhook import codes, names, store
from webhook.decision import Json, Problem, Rejected, quoted
from webhook.environment import cache_root
from webhook.facts import Facts
from webhook.objects import Container, PodSpec, Volume
from webhook.request import CacheRequest
from webhook.strategies import Strategy, same_source
from webhook.values import collide, normalised


def model_mounts(request: CacheRequest, strategy: Strategy, facts: Facts) -> list[Json]:
    """Return the mount of each model, as a container's volumeMounts entry."""
    wish = request.annotations
    found: list[Json] = []
    for model, provided in zip(request.models, strategy.provided(), strict=True):
        if wish.layout == "hf-cache" and model.source.repository:
            path = f"{cache_root(request)}/{store.hub_cache_folder(model.source.repository)}"
        else:
            path = model.mount_path or f"/models/{model.directory}"
        mount: Json = {"name": provided.volume, "mountPath": path}
        if provided.sub_path:
            mount["subPath"] = provided.sub_path
        if wish.read_only:
            mount["readOnly"] = True
            if not facts.older_than(31):
                # Also what is mounted below it (KEP-3857); older servers drop the field.
                mount["recursiveReadOnly"] = "IfPossible"
        found.append(mount)
    clashes = [
        Problem(
            codes.MOUNT_PATH,
            "modelcache.io/mount-path",
            f"two models would be mounted at {one['mountPath']} and {other['mountPath']}: "
            "give each a place of its own",
        )
        for i, one in enumerate(found)
        for other in found[i + 1 :]
        if collide(one["mountPath"], other["mountPath"])
    ]
    if clashes:
        raise Rejected(clashes)
    return found


def check_mounts(container: Container, mounts: Sequence[Json], where: str) -> list[Problem]:
    """Return a problem for each mount of ours that meets one of the container's own."""
    problems = []
    for ours in mounts:
        for theirs in container.volume_mounts or ():
            path = normalised(theirs.mount_path)
            if theirs.name == ours["name"] and path == ours["mountPath"]:
                continue
            if theirs.mount_path and collide(path, ours["mountPath"]):
                problems.append(
                    Problem(
                        codes.MOUNT_PATH,
                        where,
                        f"container {container.name} already mounts something at "
                        f"{theirs.mount_path}, where {ours['mountPath']} would be mounted: "
                        "give another mount-path, or drop that mount",
                    )
                )
    return problems


def check_names(
    spec: PodSpec, ours: Sequence[Json], request: CacheRequest, facts: Facts
) -> list[Problem]:
    """Return a problem for each name of ours that something else bears."""
    problems = []
    wanted = {volume["name"]: volume for volume in ours}
    theirs = {volume.name: volume for volume in spec.volumes or ()}
    for name, volume in theirs.items():
        if not name.startswith((names.MODEL_VOLUME, names.SHM_VOLUME, names.STORE_VOLUME)):
            continue
        if name in wanted and not same_source(volume, wanted[name]):
            problems.append(
                Problem(
                    codes.VOLUME_NAME,
                    f"spec.volumes {name}",
                    "bears a name of modelcache but another source than it would have: rename it",
                )
            )
    if facts.older_than(35):
        problems += _named_twice(theirs.values(), wanted)
    injected = names.MODEL_VOLUME in theirs
    for container in spec.init_containers or ():
        # Not the image, which a webhook for registry mirrors may have rewritten since.
        is_ours = injected and (container.command or ())[:1] == (names.COMMAND,)
        if container.name in (names.LOADER, names.GATE) and not is_ours:
            problems.append(
                Problem(
                    codes.CONTAINER_NAME,
                    f"spec.initContainers {container.name}",
                    "bears the name of a container of modelcache: rename it",
                )
            )
    if request.annotations.read_only:
        problems += _writable(spec, {name for name, v in wanted.items() if "emptyDir" in v})
    return problems


def _named_twice(theirs: Iterable[Volume], wanted: Mapping[str, Json]) -> Iterator[Problem]:
    """Yield a problem for each claim that a volume of the pod names beside ours.

    Kubelets before 1.35 never start such a pod. Later ones mount the claim once, with readOnly
    of the volume that they come to first or last (desired_state_of_world.go, AddPodToVolume).
    """
    claims = {v.get("persistentVolumeClaim", {}).get("claimName") for v in wanted.values()}
    for volume in theirs:
        source = volume.persistent_volume_claim
        if volume.name not in wanted and source and source.claim_name in claims:
            yield Problem(
                codes.CLAIM,
                f"spec.volumes {volume.name}",
                f"mounts claim {quoted(source.claim_name or '')} too, and a kubelet before 1.35 "
                "never starts a pod that names a claim in two volumes, a later one mounts both "
                "read-only or both writable: drop this volume",
            )


def _writable(spec: PodSpec, filled: set[str]) -> list[Problem]:
    """Return a problem for each writable mount of a model but the loader's of those *filled*."""
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
