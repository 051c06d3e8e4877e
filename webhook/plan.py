"""What a pod still lacks of what it asked for.

Receipts, not a status: a volume that bears our name with the source that we
would give it, and a mount of it in a container, prove that this piece is there.
So a second review adds only what is missing, and memory is raised only in the
review in which the volumes appear.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from webhook import codes, ledger, loader, names, placement
from webhook.amount import memory_of, pod_memory
from webhook.annotations import LEDGER, PREFIX
from webhook.arguments import rewrite
from webhook.containers import Place, places
from webhook.decision import Json, Problem, Rejected
from webhook.environment import environment
from webhook.facts import Facts
from webhook.memory import Correction, correct
from webhook.mounts import check_mounts, check_names, model_mounts
from webhook.objects.pod import Pod, PodSpec
from webhook.paths import normalised
from webhook.quantity import Quantity, exact
from webhook.remarks import memory_remarks, unused_annotations
from webhook.request import CacheRequest
from webhook.servers import server_of
from webhook.strategies.strategy import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPlan:
    """What one container gains."""

    place: Place
    mounts: tuple[Json, ...]
    env: tuple[Json, ...]
    arguments: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the pod gains."""

    request: CacheRequest
    strategy: str
    target: Place
    volumes: tuple[Json, ...]
    init_containers: tuple[Json, ...]
    containers: tuple[ContainerPlan, ...]
    correction: Correction
    placement: tuple[Json, ...]
    fs_group_change_policy: bool
    ledger: str | None
    warnings: tuple[Problem, ...]


def build_plan(
    pod: Pod,
    request: CacheRequest,
    strategy: Strategy,
    facts: Facts,
    chosen_and_target: tuple[list[Place], Place],
    passed: Sequence[Problem],
    obstacles: Sequence[Problem],
) -> Plan:
    """Return what *pod* lacks; Rejected carries every reason why it can't have it.

    *passed* is what strategy auto passed over, *obstacles* what is already known
    to stand in the way.
    """
    spec = pod.spec or PodSpec()
    wish = request.annotations
    chosen, target = chosen_and_target
    mounts = model_mounts(request, strategy, facts)
    ours = strategy.volumes()
    stores, copied_from = strategy.sources()
    shm = _shm(spec, target, request)
    everything = [*ours, *stores, *([shm] if shm else [])]
    problems = [*obstacles, *check_names(spec, everything, request, facts)]
    for place in chosen:
        problems += check_mounts(place.container, mounts, PREFIX + "mount-path")
    there = {volume.name for volume in spec.volumes or ()}
    first = not any(volume["name"] in there for volume in ours)
    charges = strategy.charges() if first else []
    problems += _unreadable(spec)
    if problems:
        raise Rejected(problems)
    correction = _correction(
        pod,
        target,
        Quantity(sum(charges)),
        Quantity(wish.shm_size if shm and first and shm["name"] not in there else 0),
        wish.memory,
        facts,
        recorded={} if first else ledger.recorded(pod.annotations.get(LEDGER)),
    )
    warnings = [*request.remarks, *passed, *unused_annotations(request, strategy.name)]
    init_containers = _init_containers(spec, target, strategy, mounts, copied_from, facts)
    if first:
        warnings += memory_remarks(spec, target, correction, init_containers)
    elif correction.container[0] != correction.container[1]:
        warnings.append(
            Problem(
                codes.RESTORED,
                target.container.name,
                f"memory raised again to {correction.container[1].limit}",
            )
        )
    container_plans = []
    for place in chosen:
        plan, remark = _container_plan(place, mounts, shm if place is target else None, request)
        container_plans.append(plan)
        warnings += remark
    labels = strategy.node_labels() if wish.placement != "none" else []
    fs_group = spec.security_context.fs_group if spec.security_context else None
    return Plan(
        request=request,
        strategy=strategy.name,
        target=target,
        volumes=tuple(v for v in everything if v["name"] not in there),
        init_containers=tuple(init_containers),
        containers=tuple(container_plans),
        correction=correction,
        placement=tuple(placement.operations(spec.affinity, labels, wish.placement)),
        fs_group_change_policy=bool(
            fs_group is not None
            and strategy.name == "pvc"
            and not wish.read_only
            and spec.security_context
            and spec.security_context.fs_group_change_policy is None
        ),
        ledger=ledger.written(request, strategy.name, target.container.name, correction)
        if first
        else None,
        warnings=tuple(warnings),
    )


def _unreadable(spec: PodSpec) -> Iterator[Problem]:
    """Yield a problem for each amount of memory or cpu that is no quantity."""
    resources = [(f"container {p.container.name}", p.container.resources) for p in places(spec)]
    for where, them in (("spec.resources", spec.resources), *resources):
        for amounts in (them.limits, them.requests) if them else ():
            for name in ("memory", "cpu"):
                try:
                    exact(str((amounts or {}).get(name, "0")))
                except ValueError as error:
                    yield Problem(codes.AMOUNT, where, f"{name}: {error}")


def _shm(spec: PodSpec, target: Place, request: CacheRequest) -> Json | None:
    """Return the volume for /dev/shm, None where none is wanted or one is mounted."""
    size = request.annotations.shm_size
    if not size or spec.host_ipc:
        return None
    for mount in target.container.volume_mounts or ():
        if normalised(mount.mount_path) == names.SHM_PATH and mount.name != names.SHM_VOLUME:
            return None
    return {"name": names.SHM_VOLUME, "emptyDir": {"medium": "Memory", "sizeLimit": str(size)}}


def pod_level(spec: PodSpec, facts: Facts) -> bool:
    """Whether memory is set at the pod level and the server keeps it (KEP-2837: on from 1.34)."""
    resources = None if facts.older_than(34) else spec.resources
    return resources is not None and any(
        "memory" in (amounts or {}) for amounts in (resources.limits, resources.requests)
    )


def _correction(  # the arithmetic's operands
    pod: Pod,
    target: Place,
    model: Quantity,
    shm: Quantity,
    mode: str,
    facts: Facts,
    *,
    recorded: Mapping[str, str],
) -> Correction:
    spec = pod.spec or PodSpec()
    before = memory_of(target.container.resources)
    whole = None
    if pod_level(spec, facts):
        apps = [place.container.resources for place in places(spec) if place.lives_on]
        whole = pod_memory(spec.resources, apps)
    if model or shm:
        return correct(before, whole, model, shm, mode)
    after, whole_after = before, whole
    if recorded.get("target") == target.container.name and mode != "none":
        after = ledger.restored(before, recorded)
        if whole:
            pod_level_ones = {
                "limit": recorded.get("podLimit", "0"),
                "request": recorded.get("podRequest", "0"),
            }
            whole_after = ledger.restored(whole, pod_level_ones)
    return Correction(
        model=model,
        shm=shm,
        mode=mode,
        container=(before, after),
        pod=(whole, whole_after) if whole and whole_after else None,
    )


def _init_containers(  # each is one fact of the containers
    spec: PodSpec,
    target: Place,
    strategy: Strategy,
    mounts: Sequence[Json],
    copied_from: Sequence[object],
    facts: Facts,
) -> list[Json]:
    there = {container.name for container in spec.init_containers or ()}
    level = None if facts.older_than(34) else spec.resources
    sizes = strategy.charges()
    if copied_from:
        if names.LOADER in there:
            return []
        _, provided = strategy.sources()
        sources = [
            {"name": p.volume, **({"subPath": p.sub_path} if p.sub_path else {})} for p in provided
        ]
        volumes = [p.volume for p in strategy.provided()]
        size = Quantity(sum(sizes))
        return [
            loader.loader(
                facts.loader_image, sources, volumes, size, spec, target.container, level=level
            )
        ]
    if strategy.wish.verify and names.GATE not in there:
        return [loader.gate(facts.loader_image, mounts, spec, target.container, level=level)]
    return []


def _container_plan(
    place: Place, mounts: Sequence[Json], shm: Json | None, request: CacheRequest
) -> tuple[ContainerPlan, list[Problem]]:
    container = place.container
    there = {(m.name, normalised(m.mount_path)) for m in container.volume_mounts or ()}
    lacking = [m for m in mounts if (m["name"], m["mountPath"]) not in there]
    if shm and (shm["name"], names.SHM_PATH) not in there:
        lacking.append({"name": shm["name"], "mountPath": names.SHM_PATH})
    arguments: tuple[Json, ...] = ()
    remarks = []
    wish = request.annotations
    if wish.rewrite_args and wish.layout == "directory":
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
