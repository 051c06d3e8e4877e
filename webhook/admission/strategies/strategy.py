"""What every strategy says of itself; the defaults suit a plain volume."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from webhook.admission.problem import Problem
from webhook.admission.request.declared import CacheRequest, Options
from webhook.admission.request.model import Model
from webhook.models import layout
from webhook.objects import names
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.volume import Volume
from webhook.values.quantity import Quantity


@dataclass(frozen=True, slots=True)
class Provided:
    """Where one model is found: the volume's name and the directory in it."""

    volume: str
    sub_path: str | None


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy applied to one request."""

    request: CacheRequest
    name: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ()
    """The annotations that it reads and not every other strategy does."""
    writable: ClassVar[bool] = True
    """Whether the volume could be mounted writable at all."""
    applies_fs_group: ClassVar[bool] = False
    """Whether the kubelet walks a writable volume to give its files to the pod's fsGroup."""
    filled_by_loader: ClassVar[bool] = False
    """Whether a loader in the pod writes the models into the volumes."""

    @classmethod
    def contradictions(cls, options: Options) -> Iterator[Problem]:  # noqa: ARG003  # for subclasses
        """Yield which annotations contradict the strategy where it is the one named."""
        yield from ()

    @staticmethod
    def reference(volume: Json) -> str | None:  # noqa: ARG004  # for subclasses
        """Return the model that *volume* of a running pod names itself; None: it is a store."""
        return None

    def directory(self, model: Model) -> str:
        """Return the model's directory below the root of the store, in the layout asked for."""
        if self.request.options.layout == "hf-cache" and model.source.repository:
            return f"{model.directory}/{layout.hub_cache_folder(model.source.repository)}"
        return model.directory

    def volumes(self) -> list[Json]:
        """Return the volumes that hold the models."""
        return []

    def receipt(self, volume: Volume, ours: Json) -> bool:  # noqa: ARG002  # for subclasses
        """Whether *volume*, as the API server keeps it, has the source that *ours* has.

        *ours* is one of volumes() or sources() with the same name. It proves that this piece of
        an injection is there; an annotation, which anyone can write, would not.
        """
        return False

    def unread(self) -> Mapping[str, str]:
        """Return annotations that have no effect in this request → with what they have none."""
        return {}

    def provided(self) -> list[Provided]:
        """Return where each model is found, in the order of the models."""
        return [
            Provided(names.numbered(names.MODEL_VOLUME, i), None)
            for i in range(len(self.request.models))
        ]

    def obstacles(self, facts: Facts) -> Iterator[Problem]:  # noqa: ARG002  # for subclasses
        """Yield why the strategy can't work in this cluster or namespace."""
        yield from ()

    def charges(self) -> list[Quantity]:
        """Return the size of each tmpfs that lives as long as the pod."""
        return []

    def sources(self) -> tuple[list[Json], list[Provided]]:
        """Return the volumes that a loader copies from, and where each model lies in them."""
        return [], []

    @property
    def downloads(self) -> bool:
        """Whether the pod itself downloads the models, into volumes laid out as stores."""
        return False

    def node_labels(self) -> list[str]:
        """Return the labels of nodes that hold the models, as far as they can be told."""
        return []
