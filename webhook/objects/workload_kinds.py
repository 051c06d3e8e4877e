"""The kinds of objects that make pods, and where each has the annotations of its pods.

The table in docs/annotations.md and the registration of the chart are made from KINDS. To add a
kind, add a row. Paths were read in the types of each project; its version is noted at the row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

EACH: Final = "*"
"""A step of a path: every item of a list."""
EVERY: Final = "{*}"
"""A step of a path: every value of a mapping."""
MANY: Final = frozenset((EACH, EVERY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an object describes some of its pods. Paths are JSON pointers with the steps MANY."""

    at: str
    """The part of the object. Where it is absent, there are no such pods."""
    spec: str | None = "/spec"
    """Below `at`: the pod's specification. None: the controller composes it."""
    annotations: str = "/metadata/annotations"
    """Below `at`: the annotations that the pods get."""

    @property
    def is_one(self) -> bool:
        """Whether an object has this place once at most."""
        return MANY.isdisjoint(self.at.split("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadKind:
    """A kind whose controller makes pods."""

    kind: str
    group: str
    resource: str
    """The name of the resource in URLs and in registrations."""
    places: tuple[Place, ...] = ()
    versions: tuple[str, ...] = ()
    """The API versions that have these fields; empty: all."""
    passes_on: bool = False
    """Whether the controller itself passes annotations of the object on to its pods."""
    fixed: bool = False
    """Whether the part that describes pods can't change once the object exists."""
    fixed_by_name: bool = False
    """Whether it can't change while the template has a name (Knative: the name of a Revision)."""
    built_in: bool = False
    """Whether every API server has the kind."""
    container_name: str = ""
    """The name that a container without one gets."""
    instead: str = ""
    """Where its author puts the annotation if the object does not describe its pods."""
    number: str = ""
    """Where it says how many pods run at a time; the default there is 1. Empty: not known."""
    each_node: bool = False
    """Whether it runs a pod on each node."""
    downloads: Mapping[str, str] = field(default_factory=dict)
    """Where it has a URI that its controller makes each pod download → what to write instead."""

    @property
    def copies(self) -> bool:
        """Whether annotations of the object have to be copied to reach its pods."""
        return bool(self.places) and not self.passes_on

    @property
    def has_one(self) -> bool:
        """Whether an object describes one sort of pods only."""
        return len(self.places) == 1 and self.places[0].is_one


def _templates(*paths: str) -> tuple[Place, ...]:
    return tuple(Place(at=path) for path in paths)


def _inline(at: str, *specs: str) -> tuple[Place, ...]:
    """Return places whose specifications have no metadata: annotations are next to them."""
    return tuple(Place(at=at, spec=spec, annotations="/annotations") for spec in specs)


def _built_in(  # the columns of a row
    group: str, kind: str, resource: str, path: str, *, number: str, fixed: bool = False
) -> WorkloadKind:
    return WorkloadKind(
        kind=kind, group=group, resource=resource, places=_templates(path), fixed=fixed,
        built_in=True, number=number, each_node=not number,
    )  # fmt: skip


def _custom(  # the columns of a row
    group: str,
    kind: str,
    resource: str,
    *places: Place,
    passes_on: bool = False,
    fixed: bool = False,
    fixed_by_name: bool = False,
    instead: str = "",
) -> WorkloadKind:
    return WorkloadKind(
        kind=kind, group=group, resource=resource, places=places, passes_on=passes_on,
        fixed=fixed, fixed_by_name=fixed_by_name, instead=instead,
    )  # fmt: skip


def _none(group: str, kind: str, resource: str, instead: str) -> WorkloadKind:
    return WorkloadKind(kind=kind, group=group, resource=resource, instead=instead)


def _ray(cluster: str) -> tuple[Place, ...]:
    return _templates(
        f"{cluster}/headGroupSpec/template", f"{cluster}/workerGroupSpecs/{EACH}/template"
    )


def _kubeflow(kind: str, resource: str, field: str) -> WorkloadKind:
    return _custom("kubeflow.org", kind, resource, *_templates(f"/spec/{field}/{EVERY}/template"))


_STORAGE_URIS: Final = dict.fromkeys(
    ("/spec/predictor/{*}/storageUri", "/spec/predictor/{*}/storageUris/*/uri"),
    "remove it, and name the model in the arguments of its server, such as --model_id",
)
"""What KServe's storage-initializer downloads (storage_initializer_injector.go)."""
_REPLICAS: Final = "/spec/replicas"
_JOBS_OF_JOBSET: Final = f"/spec/replicatedJobs/{EACH}/template/spec/template"

KINDS: Final = (
    _built_in("apps", "Deployment", "deployments", "/spec/template", number=_REPLICAS),
    _built_in("apps", "StatefulSet", "statefulsets", "/spec/template", number=_REPLICAS),
    _built_in("apps", "DaemonSet", "daemonsets", "/spec/template", number=""),
    _built_in("apps", "ReplicaSet", "replicasets", "/spec/template", number=_REPLICAS),
    _built_in("batch", "Job", "jobs", "/spec/template", number="/spec/parallelism", fixed=True),
    _built_in("batch", "CronJob", "cronjobs", "/spec/jobTemplate/spec/template",
              number="/spec/jobTemplate/spec/parallelism"),
    _built_in("", "ReplicationController", "replicationcontrollers", "/spec/template",
              number=_REPLICAS),
    # argo-rollouts 1.9. With spec.workloadRef there is no template.
    _custom("argoproj.io", "Rollout", "rollouts", *_templates("/spec/template"),
            instead="the pod template of the Deployment that workloadRef names"),
    # lws 0.10. Without a leaderTemplate, leaders are made from the workerTemplate.
    _custom(
        "leaderworkerset.x-k8s.io", "LeaderWorkerSet", "leaderworkersets",
        *_templates("/spec/leaderWorkerTemplate/leaderTemplate",
                    "/spec/leaderWorkerTemplate/workerTemplate"),
    ),
    # jobset 0.12. Its webhook refuses changes of replicatedJobs.
    _custom("jobset.x-k8s.io", "JobSet", "jobsets", *_templates(_JOBS_OF_JOBSET), fixed=True),
    # kuberay 1.7.
    _custom("ray.io", "RayCluster", "rayclusters", *_ray("/spec")),
    _custom("ray.io", "RayService", "rayservices", *_ray("/spec/rayClusterConfig")),
    _custom("ray.io", "RayJob", "rayjobs", *_ray("/spec/rayClusterSpec"),
            instead="the RayCluster that clusterSelector selects"),
    _custom("ray.io", "RayCronJob", "raycronjobs", *_ray("/spec/jobTemplate/rayClusterSpec")),
    # kserve 0.20.
    replace(
        _custom(
            "serving.kserve.io", "InferenceService", "inferenceservices",
            *_inline("/spec/predictor", "", "/workerSpec"), *_inline("/spec/transformer", ""),
            *_inline("/spec/explainer", ""), passes_on=True,
        ),
        downloads=_STORAGE_URIS,
    ),
    WorkloadKind(
        group="serving.kserve.io", kind="LLMInferenceService", resource="llminferenceservices",
        places=(*_inline("/spec", "/template", "/worker"),
                *_inline("/spec/prefill", "/template", "/worker")),
        versions=("v1alpha2",),
        downloads={"/spec/model/uri": "write a pvc:// URI of a claim that has the model"},
    ),
    _custom("serving.kserve.io", "ServingRuntime", "servingruntimes", *_inline("/spec", "")),
    # knative serving 1.23.
    replace(
        _custom("serving.knative.dev", "Service", "services", *_templates("/spec/template"),
                fixed_by_name=True),
        container_name="user-container",
    ),
    # kubeflow training-operator 1.9 and trainer 2.3.
    _kubeflow("PyTorchJob", "pytorchjobs", "pytorchReplicaSpecs"),
    _kubeflow("TFJob", "tfjobs", "tfReplicaSpecs"),
    _kubeflow("MPIJob", "mpijobs", "mpiReplicaSpecs"),
    _kubeflow("XGBoostJob", "xgboostjobs", "xgbReplicaSpecs"),
    _kubeflow("PaddleJob", "paddlejobs", "paddleReplicaSpecs"),
    _kubeflow("JAXJob", "jaxjobs", "jaxReplicaSpecs"),
    _none("trainer.kubeflow.org", "TrainJob", "trainjobs",
          "the pod templates of its TrainingRuntime"),
    _custom("trainer.kubeflow.org", "TrainingRuntime", "trainingruntimes",
            *_templates("/spec/template" + _JOBS_OF_JOBSET)),
    # volcano 1.13. Its webhook refuses changes of tasks.
    _custom("batch.volcano.sh", "Job", "jobs", *_templates(f"/spec/tasks/{EACH}/template"),
            fixed=True),
    # aibrix 0.7. A StormService makes RoleSets.
    _custom("orchestration.aibrix.ai", "StormService", "stormservices",
            *_templates(f"/spec/template/spec/roles/{EACH}/template")),
    _custom("orchestration.aibrix.ai", "RoleSet", "rolesets",
            *_templates(f"/spec/roles/{EACH}/template")),
    _custom("orchestration.aibrix.ai", "PodSet", "podsets", *_templates("/spec/template"),
            passes_on=True),
    # kaito 0.12. With a preset, the controller gives its pods no annotations.
    _custom("kaito.sh", "Workspace", "workspaces", *_templates("/inference/template"),
            instead="inference.template, in place of the preset"),
    # k8s-nim-operator 3.1.
    _custom("apps.nvidia.com", "NIMService", "nimservices",
            Place(at="/spec", spec=None, annotations="/annotations")),
    _custom("apps.nvidia.com", "NIMPipeline", "nimpipelines",
            Place(at=f"/spec/services/{EACH}/spec", spec=None, annotations="/annotations")),
    _none("apps.nvidia.com", "NIMCache", "nimcaches", "the NIMService that reads it"),
    # dynamo 0.9: v1alpha1 has services, v1beta1 has components.
    _custom(
        "nvidia.com", "DynamoGraphDeployment", "dynamographdeployments",
        Place(at=f"/spec/services/{EVERY}", spec="/extraPodSpec",
              annotations="/extraPodMetadata/annotations"),
        *_templates(f"/spec/components/{EACH}/podTemplate"),
    ),
    # kruise 1.9.
    _custom("apps.kruise.io", "CloneSet", "clonesets", *_templates("/spec/template")),
    _custom("apps.kruise.io", "StatefulSet", "statefulsets", *_templates("/spec/template")),
    _custom("apps.kruise.io", "DaemonSet", "daemonsets", *_templates("/spec/template")),
)  # fmt: skip

_BY_NAME: Final = {(row.group, row.kind): row for row in KINDS}


def kind_of(group: str, kind: str) -> WorkloadKind | None:
    """Return the row of a kind; None if the table does not have it."""
    return _BY_NAME.get((group, kind))


def registered() -> Iterable[WorkloadKind]:
    """Yield the kinds whose objects are sent to the webhook, because annotations are copied."""
    return (row for row in KINDS if row.copies)
