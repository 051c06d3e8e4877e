"""A workload, of which only metadata and pod template are read."""

from webhook.objects.meta import Metadata, Object
from webhook.objects.pod import PodSpec


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
