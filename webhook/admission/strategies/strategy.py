"""The base of strategies: everything that a strategy says about itself.

The defaults are right for a strategy whose pod needs nothing but the volume.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from webhook.admission import codes
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest, Options
from webhook.admission.request.model import Model
from webhook.admission.strategies.store import Store
from webhook.models import layout
from webhook.objects import names
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.volume import Volume
from webhook.values.quantity import Quantity


@dataclass(frozen=True, slots=True)
class Provided:
    """Where a model is: the name of the volume, and the directory in it."""

    volume: str
    sub_path: str | None


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy applied to one request."""

    request: CacheRequest
    name: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ()
    """The annotations that it reads, except those that every strategy reads."""
    applies_fs_group: ClassVar[bool] = False
    """Whether the kubelet walks a writable volume to give its files to the pod's fsGroup."""
    has_hub_cache: ClassVar[bool] = True
    """Whether its volumes hold the models as Hugging Face caches too."""
    filled_by_loader: ClassVar[bool] = False
    """Whether a loader in the pod writes the models into the volumes."""

    @classmethod
    def contradictions(cls, options: Options) -> Iterator[Problem]:  # noqa: ARG003  # for subclasses
        """Yield which annotations contradict the strategy."""
        yield from ()

    @staticmethod
    def reference(volume: Json) -> str | None:  # noqa: ARG004  # for subclasses
        """Return the model that *volume* of a running pod names; None if it is a store."""
        return None

    def directory(self, model: Model) -> str:
        """Return the directory of the model below the root of the store."""
        if self.request.options.layout == "hf-cache" and model.source.repository:
            return f"{model.directory}/{layout.hub_cache_folder(model.source.repository)}"
        return model.directory

    def volumes(self) -> list[Json]:
        """Return the volumes that hold the models."""
        return []

    def receipt(self, volume: Volume, ours: Json) -> bool:  # noqa: ARG002  # for subclasses
        """Whether *volume*, as the API server keeps it, has the source that *ours* has.

        *ours*: the volume with the same name, of volumes() or sources(). Such a volume proves
        that this piece of an injection is there. An annotation would not: anyone can write one.
        """
        return False

    def unread(self) -> Mapping[str, str]:
        """Return annotation → the option because of which it has no effect in this request."""
        return {}

    def provided(self) -> list[Provided]:
        """Return where each model is found, in the order of the models."""
        return [
            Provided(names.numbered(names.MODEL_VOLUME, i), None)
            for i in range(len(self.request.models))
        ]

    def obstacles(self, facts: Facts) -> Iterator[Problem]:  # noqa: ARG002  # for subclasses
        """Yield what speaks against the strategy in this cluster or namespace.

        With a code of codes.AWAITED it is what the pod would wait for, and with ONE_NODE it is
        only said. With any other code the strategy can't work here.
        """
        yield from ()

    def store(self) -> Store | None:
        """Return the store that the models come from; None if it is not a claim or a node."""
        return None

    def unknown(self, facts: Facts) -> str | None:
        """Return why it is not known that the strategy works now, in words; None: it is known.

        This is asked only if there is no obstacle.
        """
        store = self.store()
        return store.unknown(facts) if store else None

    def awaits_model(self, facts: Facts) -> bool:
        """Whether only a CachedModel can say if the models are in the store."""
        store = self.store()
        return store is not None and not store.says_what_it_holds(facts)

    def looks_at(self, facts: Facts) -> tuple[str, ...]:  # noqa: ARG002  # for subclasses
        """Return the kinds of facts that may be stale and that its obstacles depend on."""
        store = self.store()
        return store.looks_at() if store else ()

    def unseen(self, facts: Facts) -> list[Problem]:
        """Return a remark for each kind of facts that it depends on and that is stale."""
        return [
            Problem(
                codes.UNSEEN,
                PREFIX + "strategy",
                f"{facts.why_unknown(kind)}, so it is not known if the pod can start",
            )
            for kind in self.looks_at(facts)
            if kind in facts.stale
        ]

    def charges(self) -> list[Quantity]:
        """Return the size of each volume in memory that the pod has until its end."""
        return []

    def sources(self) -> tuple[list[Json], list[Provided]]:
        """Return the volumes that a loader copies from, and where each model is in them."""
        return [], []

    @property
    def downloads(self) -> bool:
        """Whether the pod itself downloads the models, into volumes with the layout of stores."""
        return False

    def node_labels(self) -> list[str]:
        """Return the labels of nodes that hold the models, for models whose commit is known."""
        return []
