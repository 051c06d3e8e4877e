"""Strategy emptyDir: the pod's memory, filled by a loader."""

from collections.abc import Iterator, Mapping
from typing import Final

from webhook.admission import codes
from webhook.admission.memory import volume_size
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.strategies import node_cache
from webhook.admission.strategies.claim import (
    ClaimStore,
    claim_obstacles,
    claim_volume,
    same_claim,
)
from webhook.admission.strategies.store import Store
from webhook.admission.strategies.strategy import Provided, Strategy
from webhook.admission.strategies.tmpfs import same_tmpfs, tmpfs_volume
from webhook.objects import names
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.volume import Volume
from webhook.values.quantity import Quantity
from webhook.values.text import quoted

_UNREAD: Final = {
    load_from: dict.fromkeys(annotations, f"load-from {load_from}")
    for load_from, annotations in (
        ("claim", ("host-path", "placement")),
        ("node", ("claim",)),
        ("source", ("claim", "host-path", "placement")),
    )
}
"""load-from → the annotations that have no effect with it → why."""


class EmptyDir(Strategy):
    """The pod's memory, filled by a loader from a store or from the source itself."""

    __slots__ = ()
    name = "emptyDir"
    reads = ("claim", "host-path", "load-from", "placement")
    filled_by_loader = True

    def volumes(self) -> list[Json]:
        return [
            tmpfs_volume(names.numbered(names.MODEL_VOLUME, i), size)
            for i, size in enumerate(self.charges())
        ]

    def receipt(self, volume: Volume, ours: Json) -> bool:
        if names.is_model_volume(volume.name):
            return same_tmpfs(volume, ours)
        if self.request.options.load_from == "node":
            return node_cache.same_directory(volume, ours)
        return same_claim(volume, ours)

    def unread(self) -> Mapping[str, str]:
        return _UNREAD[self.request.options.load_from]

    def charges(self) -> list[Quantity]:
        return [volume_size(model.size or 0) for model in self.request.models]

    @property
    def downloads(self) -> bool:
        return self.request.options.load_from == "source"

    def provided(self) -> list[Provided]:
        found = super().provided()
        if not self.downloads:
            return found
        return [
            Provided(one.volume, self.directory(model))
            for one, model in zip(found, self.request.models, strict=True)
        ]

    def sources(self) -> tuple[list[Json], list[Provided]]:
        if self.downloads:
            return [], []
        name = names.STORE_VOLUME
        if self.request.options.load_from == "node":
            volumes = node_cache.node_volumes(self, name)
            return volumes, [Provided(volume["name"], None) for volume in volumes]
        return [claim_volume(name, self.request.options.claim, read_only=True)], [
            Provided(name, self.directory(m)) for m in self.request.models
        ]

    def obstacles(self, facts: Facts) -> Iterator[Problem]:
        for model in self.request.models:
            if model.size is None:
                yield Problem(
                    codes.SIZE,
                    PREFIX + "size",
                    f"the size of {quoted(model.asked)} is not known, and strategy emptyDir needs "
                    "it: give its bytes, such as 15Gi",
                )
        match self.request.options.load_from:
            case "claim":
                yield from claim_obstacles(facts, self.request.options.claim)
            case "node":
                yield from node_cache.node_obstacles(facts, self.request)
            case _:
                yield from self._no_download()

    def store(self) -> Store | None:
        match self.request.options.load_from:
            case "claim":
                return ClaimStore(self.request.options.claim)
            case "node":
                return node_cache.NodeStore(self.request)
            case _:
                return None

    def _no_download(self) -> Iterator[Problem]:
        """Yield why the pod can't download the models itself."""
        if len(self.request.models) > 1:
            yield Problem(
                codes.LOAD_FROM,
                PREFIX + "load-from",
                f"source downloads one model, but there are {len(self.request.models)}: load them "
                "into a claim, and copy from there",
            )
        for model in self.request.models:
            if model.token:
                yield Problem(
                    codes.LOAD_FROM,
                    PREFIX + "load-from",
                    f"{quoted(model.asked)} needs a token, and pods that serve get none: load it "
                    "into a claim, and copy from there",
                )
            if not model.laid_by_us:
                yield Problem(
                    codes.LOAD_FROM,
                    PREFIX + "load-from",
                    f"{quoted(model.asked)} has a directory, {quoted(model.directory)}, of a store "
                    "that was filled by hand, but source downloads: remove one of the two",
                )

    def node_labels(self) -> list[str]:
        return node_cache.labels(self.request) if self.request.options.load_from == "node" else []
