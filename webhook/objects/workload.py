"""The fields of a workload that are read: its metadata and its pod template."""

from webhook.objects.meta import Metadata, Object
from webhook.objects.pod import PodSpec


class Template(Object, frozen=True):
    """The pod template of a workload."""

    metadata: Metadata | None = None
    spec: PodSpec | None = None


class JobSpec(Object, frozen=True):
    """The specification of the Jobs of a CronJob."""

    template: Template | None = None


class JobTemplate(Object, frozen=True):
    """The Job template of a CronJob."""

    spec: JobSpec | None = None


class WorkloadSpec(Object, frozen=True):
    """The specification of a workload. Only its template is read."""

    template: Template | None = None
    job_template: JobTemplate | None = None


class Workload(Object, frozen=True):
    """A Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob."""

    metadata: Metadata | None = None
    spec: WorkloadSpec | None = None
