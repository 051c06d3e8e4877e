"""What every strategy says of itself; the defaults suit a plain volume."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from webhook.admission.problem import Problem
from webhook.admission.request.declared import Annotations, CacheRequest
from webhook.admission.request.model import Model
from webhook.models import layout
from webhook.objects import names
from webhook.objects.facts import Facts
from webhook.objects.json import Json
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
    writable: ClassVar[bool] = True
    """Whether the volume could be mounted writable at all."""

    @property
    def wish(self) -> Annotations:
        """The annotations as read."""
        return self.request.annotations

    def directory(self, model: Model) -> str:
        """Return the model's directory below the root of the store, in the layout asked for."""
        if self.wish.layout == "hf-cache" and model.source.repository:
            return f"{model.directory}/{layout.hub_cache_folder(model.source.repository)}"
        return model.directory

    def volumes(self) -> list[Json]:
        """Return the volumes that hold the models."""
        return []

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
