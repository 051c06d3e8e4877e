"""What is to be rendered, with the options read and compared with each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from webhook.admission.policy.documents import Policy
from webhook.admission.request.declared import Annotations
from webhook.models.cached_model import SecretKey
from webhook.objects.names import DEFAULT_LOADER_IMAGE
from webhook.rendering import readers
from webhook.rendering.wanted import Wanted, wanted
from webhook.values.mistakes import Mistakes
from webhook.values.paths import absolute_path
from webhook.values.quantity import GI, LARGEST, MI, Quantity
from webhook.values.readers import claim_name, image_reference, object_name, size
from webhook.values.text import printable

CLAIM: Final = Annotations().claim
HOST_PATH: Final = Annotations().host_path
STAGGER: Final = "1m"


class Kind(StrEnum):
    """What can be rendered."""

    PVC = "pvc"
    LEASE = "lease"
    JOB = "job"
    NODE_LABELS = "node-labels"
    DAEMONSET = "daemonset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
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
    deadline: str = "6h"
    env: Sequence[str] = ()
    hub_cache: bool = False
    safetensors_only: bool = False
    or_source: bool = False


_ONLY: Final = {
    "storage_class": Kind.PVC, "size": Kind.PVC, "host_path": Kind.DAEMONSET,
    "node_selector": Kind.DAEMONSET, "stagger": Kind.DAEMONSET, "priority_class": Kind.DAEMONSET,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be rendered."""

    models: tuple[Wanted, ...]
    kinds: tuple[Kind, ...]
    namespace: str | None
    claim: str
    from_claim: bool
    """Whether nodes copy from the claim, and not from the source."""
    storage_class: str | None
    storage: Quantity
    counted: bool
    """Whether that follows from the models."""
    host_path: str
    token: SecretKey | None
    """For all models; None: that of each."""
    image: str
    node_selector: dict[str, str]
    stagger: int
    """Seconds."""
    priority_class: str | None
    deadline: str
    deadline_seconds: int
    env: dict[str, str]
    hub_cache: bool
    """Whether models are Hugging Face caches too, for layout hf-cache."""
    or_source: bool
    """Whether nodes ask the source for what the claim has not."""
    safetensors_only: bool
    """Whether loaders refuse weights that are pickle."""


def order(names: Sequence[str], options: Options, policy: Policy | None) -> Order:
    """Return what is to be rendered; *policy*: None if it could not be read.

    ValueError names every mistake.
    """
    mistakes = Mistakes()
    read = mistakes.read
    models: dict[str, Wanted] = {}
    if policy:
        known = policy.catalogue
        for name in names:
            if model := read(printable(name, 120), lambda text: wanted(text, known), name):
                models.setdefault(model.text, model)
    for option, kind in _ONLY.items():
        if getattr(options, option) and kind not in options.kinds:
            shown = option.replace("_", "-")
            mistakes.found.append(f"--{shown}: has no effect without --kind {kind}")
    found = Order(
        models=tuple(models.values()),
        kinds=tuple(kind for kind in Kind if kind in options.kinds),
        namespace=read("--namespace", readers.namespace, options.namespace),
        claim=read("--claim", claim_name, options.claim) or CLAIM,
        from_claim=options.claim is not None,
        storage_class=read("--storage-class", object_name, options.storage_class),
        storage=read("--size", size, options.size) or _storage(models.values()),
        counted=options.size is None,
        host_path=read("--host-path", absolute_path, options.host_path) or HOST_PATH,
        token=read("--token-secret", readers.secret, options.token_secret),
        image=read("--image", image_reference, options.image) or DEFAULT_LOADER_IMAGE,
        node_selector=dict(
            filter(None, (read("--node-selector", readers.label, o) for o in options.node_selector))
        ),
        stagger=read("--stagger", readers.stagger, options.stagger or STAGGER) or 0,
        priority_class=read("--priority-class", object_name, options.priority_class),
        deadline=options.deadline,
        deadline_seconds=read("--deadline", readers.seconds, options.deadline) or 1,
        env=dict(filter(None, (read("--env", readers.variable, one) for one in options.env))),
        hub_cache=options.hub_cache,
        or_source=options.or_source,
        safetensors_only=options.safetensors_only,
    )
    mistakes.found += _contradictions(found, options)
    mistakes.tell()
    return found


def _contradictions(order: Order, options: Options) -> list[str]:
    """Return what is wrong with models and options together."""
    found = []
    least = Quantity(sum(model.size or 0 for model in order.models))
    if not order.counted and order.storage < least:
        found.append(f"--size: {options.size} is less than the {least.up_to(MI)} of the models")
    for kind in (Kind.LEASE, Kind.NODE_LABELS):
        if kind in order.kinds and not order.namespace:
            found.append(f"--kind {kind}: permits it to a ServiceAccount: give its --namespace")
    if Kind.LEASE in order.kinds and Kind.JOB not in order.kinds:
        found.append("--kind lease: has no effect without --kind job, whose loaders hold it")
    if order.or_source and not (order.from_claim and Kind.DAEMONSET in order.kinds):
        found.append("--or-source: has no effect without --kind daemonset and --claim")
    alone = order.from_claim and not order.or_source
    asks = Kind.JOB in order.kinds or (Kind.DAEMONSET in order.kinds and not alone)
    for model in order.models:
        if Kind.PVC in order.kinds and order.counted and model.size is None:
            found.append(
                f"{model.asked}: its size is unknown: give --size, or spec.size in its CachedModel"
            )
        where = model.token.namespace if model.token else None
        if asks and where and not options.token_secret and where != order.namespace:
            found.append(
                f"{model.asked}: its token is in namespace {where}, and a pod can mount Secrets of "
                f"its own alone: give --namespace {where}, or --token-secret"
            )
    return found


def _storage(models: Iterable[Wanted]) -> Quantity:
    """Return room for two revisions of each model, and 5 % for what file systems take."""
    sizes = [model.size or 0 for model in models]
    return Quantity(min(-(-2 * sum(sizes) * 105 // 100), LARGEST)).up_to(GI)
