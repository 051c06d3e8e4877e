"""Read the options of render, and compare them with each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from webhook.admission.policy.documents import Policy
from webhook.admission.request import declared
from webhook.models.model_document import SecretKey
from webhook.objects.names import DEFAULT_LOADER_IMAGE
from webhook.rendering import readers
from webhook.rendering.environment import Environment
from webhook.rendering.kinds import Kind
from webhook.rendering.pod_fields import PodFields, toleration
from webhook.rendering.wanted import Wanted, wanted
from webhook.values.mistakes import Mistakes
from webhook.values.paths import absolute_path
from webhook.values.quantity import GI, LARGEST, MI, Quantity
from webhook.values.readers import claim_name, image_reference, object_name, size
from webhook.values.text import printable

CLAIM: Final = declared.Options().claim
HOST_PATH: Final = declared.Options().host_path
STAGGER: Final = "1m"
UNUSED_FOR: Final = "30d"
SCHEDULE: Final = "17 3 * * *"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options as given; None: not given."""

    kinds: Sequence[Kind] = (Kind.PVC, Kind.JOB)
    namespace: str | None = None
    claim: str | None = None
    storage_class: str | None = None
    size: str | None = None
    host_path: str | None = None
    token_secret: str | None = None
    image: str | None = None
    node_selector: Sequence[str] = ()
    stagger: str | None = None
    priority_class: str | None = None
    toleration: Sequence[str] = ()
    runtime_class: str | None = None
    image_pull_secret: Sequence[str] = ()
    service_account: str | None = None
    unused_for: str | None = None
    schedule: str | None = None
    deadline: str = "6h"
    env: Sequence[str] = ()
    env_from: Sequence[str] = ()
    hub_cache: bool | None = None
    safetensors_only: bool = False
    or_source: bool = False


_PODS: Final = (Kind.JOB, Kind.DAEMONSET, Kind.PRUNE)
_ONLY: Final = {
    "storage_class": (Kind.PVC,), "size": (Kind.PVC,), "host_path": (Kind.DAEMONSET,),
    "stagger": (Kind.DAEMONSET,), "unused_for": (Kind.PRUNE,), "schedule": (Kind.PRUNE,),
    "node_selector": _PODS, "toleration": _PODS, "priority_class": _PODS, "runtime_class": _PODS,
    "image_pull_secret": _PODS, "service_account": (Kind.JOB, Kind.DAEMONSET),
    "env_from": (Kind.JOB, Kind.DAEMONSET),
}  # fmt: skip
"""Option → the kinds that it has an effect on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to render."""

    models: tuple[Wanted, ...]
    kinds: tuple[Kind, ...]
    namespace: str | None
    claim: str
    from_claim: bool
    """Whether nodes copy from the claim instead of downloading."""
    storage_class: str | None
    storage: Quantity
    counted: bool
    """Whether *storage* was computed from the models."""
    host_path: str
    token: SecretKey | None
    """For all models; None: the token of each model."""
    image: str
    pod: PodFields
    stagger: int
    """Seconds."""
    unused_for: str
    """Models that no loader has requested for this long are removed, such as 30d."""
    schedule: str
    """When that is done, as cron writes it."""
    deadline: str
    deadline_seconds: int
    env: dict[str, str]
    env_from: Environment
    hub_cache: bool | None
    """Whether models of the hub become Hugging Face caches too; None: where the store allows it."""
    or_source: bool
    """Whether nodes download what the claim does not hold."""
    safetensors_only: bool
    """Whether loaders refuse weights in pickle format."""

    @classmethod
    def of(cls, names: Sequence[str], given: Given, policy: Policy | None) -> Self:
        """Return what to render; *policy*: None if it could not be read.

        ValueError names every mistake.
        """
        mistakes = Mistakes()
        read = mistakes.read
        models: dict[str, Wanted] = {}
        if not names and set(given.kinds) != {Kind.PRUNE}:
            mistakes.found.append("MODEL: is missing: name one or more models, such as phi-2")
        if policy:
            known = policy.catalogue
            for name in names:
                if model := read(printable(name, 120), lambda text: wanted(text, known), name):
                    models.setdefault(model.text, model)
        for option, kinds in _ONLY.items():
            if getattr(given, option) and not {*kinds} & {*given.kinds}:
                shown = option.replace("_", "-")
                needed = " or ".join(kinds)
                mistakes.found.append(f"--{shown}: has no effect without --kind {needed}")
        found = cls(
            models=tuple(models.values()),
            kinds=tuple(kind for kind in Kind if kind in given.kinds),
            namespace=read("--namespace", readers.namespace, given.namespace),
            claim=read("--claim", claim_name, given.claim) or CLAIM,
            from_claim=given.claim is not None,
            storage_class=read("--storage-class", object_name, given.storage_class),
            storage=read("--size", size, given.size) or _storage(models.values()),
            counted=given.size is None,
            host_path=read("--host-path", absolute_path, given.host_path) or HOST_PATH,
            token=read("--token-secret", readers.secret, given.token_secret),
            image=read("--image", image_reference, given.image) or DEFAULT_LOADER_IMAGE,
            pod=_pod(given, mistakes),
            stagger=read("--stagger", readers.stagger, given.stagger or STAGGER) or 0,
            unused_for=read("--unused-for", readers.age, given.unused_for) or UNUSED_FOR,
            schedule=read("--schedule", readers.schedule, given.schedule) or SCHEDULE,
            deadline=given.deadline,
            deadline_seconds=read("--deadline", readers.seconds, given.deadline) or 1,
            env=dict(mistakes.each("--env", readers.variable, given.env)),
            env_from=Environment.read("--env-from", tuple(given.env_from), mistakes),
            hub_cache=given.hub_cache,
            or_source=given.or_source,
            safetensors_only=given.safetensors_only,
        )
        mistakes.found += _contradictions(found, given)
        mistakes.raise_all()
        return found


def _pod(given: Given, mistakes: Mistakes) -> PodFields:
    read, each = mistakes.read, mistakes.each
    return PodFields(
        service_account=read("--service-account", object_name, given.service_account),
        image_pull_secrets=tuple(each("--image-pull-secret", object_name, given.image_pull_secret)),
        runtime_class=read("--runtime-class", object_name, given.runtime_class),
        priority_class=read("--priority-class", object_name, given.priority_class),
        node_selector=dict(each("--node-selector", readers.label, given.node_selector)),
        tolerations=tuple(each("--toleration", toleration, given.toleration)),
    )


def _contradictions(options: Options, given: Given) -> list[str]:
    """Return what is wrong with models and options in combination."""
    found = []
    least = Quantity(sum(model.size or 0 for model in options.models))
    if not options.counted and options.storage < least:
        found.append(f"--size: {given.size} is less than the {least.up_to(MI)} of the models")
    for kind in (Kind.LEASE, Kind.NODE_LABELS, Kind.PRUNE):
        if kind in options.kinds and not options.namespace:
            found.append(f"--kind {kind}: needs a ServiceAccount: give its --namespace")
    for kind in (Kind.LEASE, Kind.NODE_LABELS):
        if kind in options.kinds and options.pod.service_account:
            found.append(
                f"--service-account: the loaders run as the account of --kind {kind}: leave one "
                "out, or annotate that account for the cloud"
            )
    for name in sorted(options.env_from.names & set(options.env)):
        found.append(f"--env, --env-from: both set {name}: leave one out")
    if Kind.LEASE in options.kinds and Kind.JOB not in options.kinds:
        found.append("--kind lease: has no effect without --kind job, whose loaders hold it")
    if options.or_source and not (options.from_claim and Kind.DAEMONSET in options.kinds):
        found.append("--or-source: has no effect without --kind daemonset and --claim")
    alone = options.from_claim and not options.or_source
    asks = Kind.JOB in options.kinds or (Kind.DAEMONSET in options.kinds and not alone)
    for model in options.models:
        if Kind.PVC in options.kinds and options.counted and model.size is None:
            found.append(
                f"{model.asked}: its size is unknown: give --size, or spec.size in its CachedModel"
            )
        where = model.token.namespace if model.token else None
        if asks and where and not given.token_secret and where != options.namespace:
            found.append(
                f"{model.asked}: its token is in namespace {where}, and a pod can mount only "
                f"Secrets of its own: give --namespace {where}, or --token-secret"
            )
    return found


def _storage(models: Iterable[Wanted]) -> Quantity:
    """Return room for two revisions of each model, and 5 % for the file system."""
    sizes = [model.size or 0 for model in models]
    return Quantity(min(-(-2 * sum(sizes) * 105 // 100), LARGEST)).up_to(GI)
