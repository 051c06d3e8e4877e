"""Collect what a pod still lacks of what it requested.

No status is kept: the pod itself has the receipts. A volume with our name and the source
that we would give it, and a mount of it in a container, prove that this piece is there.
So a second review adds only what is missing, and memory is raised only in the review
that adds the volumes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from webhook.admission import codes, ledger, placement
from webhook.admission.containers.choice import Place
from webhook.admission.containers.gains import ContainerPlan, container_plan
from webhook.admission.containers.mounts import (
    cache_mounts,
    check_directories,
    check_folders,
    model_mounts,
)
from webhook.admission.containers.own_downloads import remarks_of_commands
from webhook.admission.containers.reading_remarks import reading_remarks
from webhook.admission.containers.readings import readings_of
from webhook.admission.containers.servers.recognition import server_of
from webhook.admission.containers.shm import shm_size, shm_volume
from webhook.admission.correction import correction_of, unreadable
from webhook.admission.init_containers import added
from webhook.admission.init_containers.place import index
from webhook.admission.init_containers.pulling import pull_secrets
from webhook.admission.memory import Correction
from webhook.admission.pod_remarks import pod_remarks
from webhook.admission.problem import Finding, Problem, Rejected
from webhook.admission.remarks import memory_remarks, unused_annotations
from webhook.admission.request.annotations import LEDGER
from webhook.admission.request.declared import CacheRequest
from webhook.admission.reserved import check_reserved
from webhook.admission.strategies.strategy import Strategy
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.pod import Pod, PodSpec
from webhook.values.quantity import Quantity


@dataclass(frozen=True, slots=True)
class Chosen:
    """The containers that get the models, and the strategy that brings them."""

    containers: Sequence[Place]
    target: Place
    """The one of them whose memory is corrected."""
    strategy: Strategy
    passed: Sequence[Problem]
    """A remark on a container that was guessed, and on each strategy that auto passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the pod gains."""

    request: CacheRequest
    strategy: str
    target: Place
    volumes: tuple[Json, ...]
    init_containers: tuple[Json, ...]
    init_index: int
    """Where they are inserted among the pod's own."""
    pull_secrets: tuple[Json, ...]
    """Operations that give the pod what it lacks to pull their image."""
    containers: tuple[ContainerPlan, ...]
    correction: Correction
    placement: tuple[Json, ...]
    fs_group_change_policy: bool
    ledger: str | None
    warnings: tuple[Problem, ...]
    findings: tuple[Finding, ...] = ()
    """What the rules of the platform find."""


def build_plan(
    pod: Pod, request: CacheRequest, chosen: Chosen, facts: Facts, obstacles: Sequence[Problem]
) -> Plan:
    """Return what *pod* lacks. Raises Rejected with every reason why it can't have that.

    *obstacles*: what is already known to conflict with the strategy.
    """
    spec = pod.spec or PodSpec()
    options = request.options
    target, strategy = chosen.target, chosen.strategy
    containers = [place.container for place in chosen.containers]
    mounts = model_mounts(request, strategy, facts, containers)
    directories = options.layout != "hf-cache"
    ours = strategy.volumes()
    stores, _ = strategy.sources()
    shm = shm_volume(spec, target, request)
    everything = [*ours, *stores, *([shm] if shm else [])]
    problems = [*obstacles, *check_reserved(spec, [*ours, *stores], shm, strategy)]
    paths = [str(mount["mountPath"]) for mount in mounts]
    readings = [
        readings_of(
            container,
            server_of(container, options.server),
            request,
            paths,
            spec.volumes or (),
            has_cache=strategy.has_hub_cache,
        )
        for container in containers
    ]
    folders = []
    for container, reading in zip(containers, readings, strict=True):
        if directories:
            problems += check_directories(container, mounts)
        folders.append(list(cache_mounts(reading, mounts, directories=directories)))
        problems += check_folders(container, folders[-1])
    there = {volume.name for volume in spec.volumes or ()}
    first = not any(volume["name"] in there for volume in ours)
    charges = strategy.charges() if first else []
    problems += unreadable(spec)
    if problems:
        raise Rejected(problems)
    correction = correction_of(
        spec,
        target,
        Quantity(sum(charges)),
        shm_size(request) if shm and first and shm["name"] not in there else Quantity(0),
        options.memory,
        facts,
        recorded={} if first else ledger.recorded(pod.annotations.get(LEDGER)),
    )
    warnings = [*request.remarks, *chosen.passed, *unused_annotations(request, strategy)]
    warnings += pod_remarks(pod, strategy, target, containers, facts, first=first)
    init_containers, own_volumes = added(spec, target.container, strategy, mounts, facts)
    everything += own_volumes
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
    names = [container.name for container in containers]
    warnings += remarks_of_commands(spec, containers, request.models, read_only=options.read_only)
    warnings += reading_remarks(request, names, readings)
    mounting = names
    if not directories:
        mounting = [n for n, reading in zip(names, readings, strict=True) if reading.roots.paths]
    plans = [
        container_plan(
            place, reading, mounts if directories else (), own, shm if place is target else None
        )
        for place, reading, own in zip(chosen.containers, readings, folders, strict=True)
    ]
    labels = strategy.node_labels() if options.placement != "none" else []
    fs_group = spec.security_context.fs_group if spec.security_context else None
    return Plan(
        request=request,
        strategy=strategy.name,
        target=target,
        volumes=tuple([v for v in everything if v["name"] not in there]),
        init_containers=tuple(init_containers),
        init_index=index(spec, strategy, containers) if spec.init_containers else 0,
        pull_secrets=tuple(pull_secrets(spec, init_containers, options, facts)),
        containers=tuple(plans),
        correction=correction,
        placement=tuple(placement.operations(spec.affinity, labels, options.placement)),
        fs_group_change_policy=bool(
            fs_group is not None
            and strategy.applies_fs_group
            and not options.read_only
            and spec.security_context
            and spec.security_context.fs_group_change_policy is None
        ),
        ledger=ledger.written(
            request,
            strategy.name,
            target.container.name,
            correction,
            containers=mounting,
            volumes=[volume["name"] for volume in everything],
        )
        if first
        else None,
        warnings=tuple(warnings),
    )
