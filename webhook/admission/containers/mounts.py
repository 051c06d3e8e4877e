"""Choose where the models are mounted, and find what conflicts with that.

Paths are compared as the kernel sees them. The API server compares strings, so it admits
both /models and /models/, which are the same place at run time.
"""

from collections.abc import Sequence

from webhook.admission import codes
from webhook.admission.containers.environment import cache_root
from webhook.admission.problem import Problem, Rejected
from webhook.admission.request.declared import CacheRequest
from webhook.admission.strategies.strategy import Strategy
from webhook.models import layout
from webhook.objects.container import Container
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.values.paths import collide, normalised


def model_mounts(request: CacheRequest, strategy: Strategy, facts: Facts) -> list[Json]:
    """Return the mount of each model, as a container's volumeMounts entry."""
    options = request.options
    found: list[Json] = []
    for model, provided in zip(request.models, strategy.provided(), strict=True):
        if options.layout == "hf-cache" and model.source.repository:
            path = f"{cache_root(request)}/{layout.hub_cache_folder(model.source.repository)}"
        else:
            path = model.mount_path or f"/models/{model.directory}"
        mount: Json = {"name": provided.volume, "mountPath": path}
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


def check_mounts(container: Container, mounts: Sequence[Json], where: str) -> list[Problem]:
    """Return a problem for each mount of ours that conflicts with one of the container.

    *where*: the place that the problems name.
    """
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
                        "give another mount-path, or remove that mount",
                    )
                )
    return problems
