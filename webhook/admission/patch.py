"""Write a plan as JSON Patch (RFC 6902).

Operations only add and replace. Our init containers are added by the last operations, since
they change the index of the others.
"""

from collections.abc import Iterator

from webhook.admission.containers.gains import ContainerPlan
from webhook.admission.memory import Amount
from webhook.admission.plan import Plan
from webhook.admission.request.annotations import LEDGER
from webhook.objects.container import Amounts, Resources
from webhook.objects.json import Json
from webhook.objects.json_patch import add, appended, escaped, replace
from webhook.objects.pod import Pod, PodSpec


def operations(pod: Pod, plan: Plan) -> Iterator[Json]:
    """Yield the operations that give *pod* what it lacks according to *plan*."""
    spec = pod.spec or PodSpec()
    yield from appended("/spec/volumes", spec.volumes, plan.volumes)
    for container in plan.containers:
        yield from _container(container)
    before, after = plan.correction.container
    resources = plan.target.container.resources
    yield from _amounts(f"{plan.target.pointer}/resources", resources, before, after)
    if plan.correction.pod:
        yield from _amounts("/spec/resources", spec.resources, *plan.correction.pod)
    yield from plan.placement
    yield from plan.pull_secrets
    if plan.fs_group_change_policy:
        yield add("/spec/securityContext/fsGroupChangePolicy", "OnRootMismatch")
    if plan.ledger is not None:
        yield add("/metadata/annotations/" + escaped(LEDGER), plan.ledger)
    if spec.init_containers is None:
        yield from appended("/spec/initContainers", None, plan.init_containers)
    else:
        for container_json in reversed(plan.init_containers):
            yield add(f"/spec/initContainers/{plan.init_index}", container_json)


def _container(plan: ContainerPlan) -> Iterator[Json]:
    pointer, container = plan.place.pointer, plan.place.container
    yield from appended(f"{pointer}/volumeMounts", container.volume_mounts, plan.mounts)
    # Replacements come first: additions change the index of what is behind them.
    yield from plan.arguments
    if container.env is None:
        yield from appended(f"{pointer}/env", None, (*plan.first_env, *plan.env))
        return
    yield from appended(f"{pointer}/env", container.env, plan.env)
    for variable in reversed(plan.first_env):
        yield add(f"{pointer}/env/0", variable)


def _amounts(
    path: str, resources: Resources | None, before: Amount, after: Amount
) -> Iterator[Json]:
    there: Resources = resources or Resources()
    changes: tuple[tuple[str, Amounts | None, bool, object], ...] = (
        ("limits", there.limits, after.limit != before.limit, after.limit),
        ("requests", there.requests, after.request != before.request, after.request),
    )
    for name, amounts, changed, value in changes:
        if not changed or value is None:
            continue
        if amounts is None:
            yield add(f"{path}/{name}", {"memory": str(value)})
        elif "memory" in amounts:
            yield replace(f"{path}/{name}/memory", str(value))
        else:
            yield add(f"{path}/{name}/memory", str(value))
