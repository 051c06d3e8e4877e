"""Read the options of render, and compare them with each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from webhook.admission.policy.documents import Policy
from webhook.admission.request import declared
from webhook.models.model_document import SecretKey
from webhook.objects.names import DEFAULT_LOADER_IMAGE
from webhook.rendering import readers
from webhook.rendering.kinds import Kind
from webhook.rendering.wanted import Wanted, wanted
from webhook.values.mistakes import Mistakes
from webhook.values.paths import absolute_path
from webhook.values.quantity import GI, LARGEST, MI, Quantity
from webhook.values.readers import claim_name, image_reference, object_name, size
from webhook.values.text import printable

CLAIM: Final = declared.Options().claim
HOST_PATH: Final = declared.Options().host_path
STAGGER: Final = "1m"


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
    deadline: str = "6h"
    env: Sequence[str] = ()
    hub_cache: bool | None = None
    safetensors_only: bool = False
    or_source: bool = False


_ONLY: Final = {
    "storage_class": Kind.PVC, "size": Kind.PVC, "host_path": Kind.DAEMONSET,
    "node_selector": Kind.DAEMONSET, "stagger": Kind.DAEMONSET, "priority_class": Kind.DAEMONSET,
}  # fmt: skip


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
    node_selector: dict[str, str]
    stagger: int
    """Seconds."""
    priority_class: str | None
    deadline: str
    deadline_seconds: int
    env: dict[str, str]
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
        if not names:
            mistakes.found.append("MODEL: is missing: name one or more models, such as phi-2")
        if policy:
            known = policy.catalogue
            for name in names:
                if model := read(printable(name, 120), lambda text: wanted(text, known), name):
                    models.setdefault(model.text, model)
        for option, kind in _ONLY.items():
            if getattr(given, option) and kind not in given.kinds:
                shown = option.replace("_", "-")
                mistakes.found.append(f"--{shown}: has no effect without --kind {kind}")
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
            node_selector=dict(
                mistakes.each("--node-selector", readers.label, given.node_selector)
            ),
            stagger=read("--stagger", readers.stagger, given.stagger or STAGGER) or 0,
            priority_class=read("--priority-class", object_name, given.priority_class),
            deadline=given.deadline,
            deadline_seconds=read("--deadline", readers.seconds, given.deadline) or 1,
            env=dict(mistakes.each("--env", readers.variable, given.env)),
            hub_cache=given.hub_cache,
            or_source=given.or_source,
            safetensors_only=given.safetensors_only,
        )
        mistakes.found += _contradictions(found, given)
        mistakes.raise_all()
        return found


def _contradictions(options: Options, given: Given) -> list[str]:
    """Return what is wrong with models and options in combination."""
    found = []
    least = Quantity(sum(model.size or 0 for model in options.models))
    if not options.counted and options.storage < least:
        found.append(f"--size: {given.size} is less than the {least.up_to(MI)} of the models")
    for kind in (Kind.LEASE, Kind.NODE_LABELS):
        if kind in options.kinds and not options.namespace:
            found.append(f"--kind {kind}: needs a ServiceAccount: give its --namespace")
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
