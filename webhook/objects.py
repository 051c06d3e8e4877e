"""Every field of every Kubernetes object that is read, and nothing else.

What is not listed here is skipped by the decoder and can't be lost, because
nothing is written back but a patch. None means absent or null: the patch needs
to tell that from an empty list. A decision may read only what is here, since
the key of the decision cache is made of it.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

Amounts: TypeAlias = dict[str, str | int | float]


class Object(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """The base of what is decoded: camelCase names, defaults left out when encoded."""


class EnvVar(Object, frozen=True):
    """One variable of a container; its value is never read."""

    name: str = ""


class VolumeMount(Object, frozen=True):
    """Where a container sees a volume."""

    name: str = ""
    mount_path: str = ""
    read_only: bool | None = None
    sub_path: str | None = None


class Resources(Object, frozen=True):
    """Limits and requests as written."""

    limits: Amounts | None = None
    requests: Amounts | None = None
    claims: list[Any] | None = None


class SecurityContext(Object, frozen=True):
    """The parts of a pod's security context that our containers and volumes meet."""

    run_as_user: int | None = None
    fs_group: int | None = None
    fs_group_change_policy: str | None = None


class Container(Object, frozen=True):
    """A container or init container."""

    name: str = ""
    image: str | None = None
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: tuple[EnvVar, ...] | None = None
    resources: Resources | None = None
    volume_mounts: tuple[VolumeMount, ...] | None = None
    restart_policy: str | None = None

    @property
    def is_sidecar(self) -> bool:
        """Whether an init container goes on beside the containers (KEP-753)."""
        return self.restart_policy == "Always"


class ClaimSource(Object, frozen=True):
    """persistentVolumeClaim."""

    claim_name: str | None = None
    read_only: bool | None = None


class HostPathSource(Object, frozen=True):
    """A directory of the node: hostPath."""

    path: str | None = None
    type: str | None = None


class EmptyDirSource(Object, frozen=True):
    """A directory that lives as long as the pod: emptyDir."""

    medium: str | None = None
    size_limit: str | int | float | None = None


class ImageSource(Object, frozen=True):
    """An OCI image or artifact as a volume: image."""

    reference: str | None = None
    pull_policy: str | None = None


class Volume(Object, frozen=True):
    """A volume, with those sources that strategies use; any other leaves all None."""

    name: str = ""
    persistent_volume_claim: ClaimSource | None = None
    host_path: HostPathSource | None = None
    empty_dir: EmptyDirSource | None = None
    image: ImageSource | None = None


class Expression(Object, frozen=True):
    """One requirement of a node selector term."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] | None = None


class Term(Object, frozen=True):
    """A node selector term; matchFields is the mark of DaemonSet pods."""

    match_expressions: tuple[Expression, ...] | None = None
    match_fields: list[Any] | None = None


class Preference(Object, frozen=True):
    """A term with a weight."""

    preference: Term = Term()


class NodeSelector(Object, frozen=True):
    """Terms, of which one must hold."""

    node_selector_terms: tuple[Term, ...] | None = None


class NodeAffinity(Object, frozen=True):
    """What draws a pod to nodes."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[Preference, ...] | None = None


class Affinity(Object, frozen=True):
    """Of affinities only the one to nodes."""

    node_affinity: NodeAffinity | None = None


class OS(Object, frozen=True):
    """The pod's operating system."""

    name: str | None = None


class PodSpec(Object, frozen=True):
    """What runs."""

    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    security_context: SecurityContext | None = None
    resources: Resources | None = None
    affinity: Affinity | None = None
    os: OS | None = None
    host_ipc: bool | None = msgspec.field(default=None, name="hostIPC")


class OwnerReference(Object, frozen=True):
    """Who made the object."""

    kind: str = ""
    name: str = ""
    controller: bool | None = None


class Metadata(Object, frozen=True):
    """Names, annotations, owners."""

    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    annotations: dict[str, str] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None


class Pod(Object, frozen=True):
    """A pod, or a pod template seen as one."""

    metadata: Metadata | None = None
    spec: PodSpec | None = None

    @property
    def annotations(self) -> Mapping[str, str]:
        """The pod's annotations, empty if it has none."""
        return (self.metadata and self.metadata.annotations) or {}


class Template(Object, frozen=True):
    """The pod template of a workload."""

    metadata: Metadata | None = None
    spec: PodSpec | None = None


class JobSpec(Object, frozen=True):
    """What a CronJob makes Jobs of."""

    template: Template | None = None


class JobTemplate(Object, frozen=True):
    """The Job template of a CronJob."""

    spec: JobSpec | None = None


class WorkloadSpec(Object, frozen=True):
    """Of a workload only its template."""

    template: Template | None = None
    job_template: JobTemplate | None = None


class Workload(Object, frozen=True):
    """A Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob."""

    metadata: Metadata | None = None
    spec: WorkloadSpec | None = None
