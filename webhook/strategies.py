"""CATALOGUE of strategies: where the model's files come from in the pod.

One class per strategy says everything about itself: its volumes, where a model
lies in them, when it can't work here, what it needs of memory and nodes. To add
one, write the class and give it a row in STRATEGIES.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from webhook import codes, names, store
from webhook.annotations import PREFIX
from webhook.decision import Json, Problem, quoted
from webhook.facts import Facts
from webhook.memory import volume_size
from webhook.model import Model
from webhook.objects import Volume
from webhook.obstacles import claim_obstacles, host_path_obstacles, image_obstacles
from webhook.paths import collide
from webhook.quantity import Quantity
from webhook.request import Annotations, CacheRequest


@dataclass(frozen=True, slots=True)
class Provided:
    """Where one model is found: the volume's name and the directory in it."""

    volume: str
    sub_path: str | None


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy applied to one request; the defaults suit a plain volume."""

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
            return f"{model.directory}/{store.hub_cache_folder(model.source.repository)}"
        return model.directory

    def volumes(self) -> list[Json]:
        """Return the volumes that hold the models."""
        return []

    def provided(self) -> list[Provided]:
        """Return where each model is found, in the order of the models."""
        return []

    def obstacles(self, facts: Facts) -> Iterator[Problem]:  # noqa: ARG002  # for subclasses
        """Yield why the strategy can't work in this cluster or namespace."""
        yield from ()

    def charges(self) -> list[Quantity]:
        """Return the size of each tmpfs that lives as long as the pod."""
        return []

    def sources(self) -> tuple[list[Json], list[Provided]]:
        """Return the volumes that a loader copies from, and where each model lies in them."""
        return [], []

    def node_labels(self) -> list[str]:
        """Return the labels of nodes that hold the models, as far as they can be told."""
        return []

    def _each(self, source: Json, name: str = names.MODEL_VOLUME) -> list[Json]:
        return [{"name": name, **source}]

    def _host_path_volumes(self, name: str) -> list[Json]:
        return [
            {
                "name": names.numbered(name, i),
                "hostPath": {
                    "path": f"{self.wish.host_path}/{self.directory(model)}",
                    "type": "Directory",
                },
            }
            for i, model in enumerate(self.request.models)
        ]

    def _host_path_obstacles(self, facts: Facts) -> Iterator[Problem]:
        if not collide(self.wish.host_path, self.request.root) or len(self.wish.host_path) < len(
            self.request.root
        ):
            yield Problem(
                codes.HOST_PATH,
                PREFIX + "host-path",
                f"{quoted(self.wish.host_path)} is not at or below {self.request.root}, "
                "the node cache of the platform: leave it out",
            )
        yield from host_path_obstacles(facts, self.node_labels())
        if self.wish.placement == "required" and len(self.node_labels()) < len(self.request.models):
            yield Problem(
                codes.PLACEMENT,
                PREFIX + "placement",
                "required needs models pinned to a commit (org/name@commit, or a CachedModel "
                "with status.revision) in the store's layout; or use preferred",
            )

    def _labels(self) -> list[str]:
        return [model.label for model in self.request.models if model.label]


class Pvc(Strategy):
    """A PersistentVolumeClaim that a Job has filled.

    One volume however many models: kubelets before 1.35 track one volume name
    per claim and pod, and a pod that names a claim twice never starts there.
    """

    __slots__ = ()
    name = "pvc"

    def volumes(self) -> list[Json]:
        return self._each(claim_source(self.wish.claim, read_only=self.wish.read_only))

    def provided(self) -> list[Provided]:
        return [Provided(names.MODEL_VOLUME, self.directory(m)) for m in self.request.models]

    def obstacles(self, facts: Facts) -> Iterator[Problem]:
        yield from claim_obstacles(facts, self.wish.claim)


class HostPath(Strategy):
    """A directory of the node that a DaemonSet has filled.

    The volume is the published directory itself, without subPath: then its
    type Directory is the check that the model is there.
    """

    __slots__ = ()
    name = "hostPath"

    def volumes(self) -> list[Json]:
        return self._host_path_volumes(names.MODEL_VOLUME)

    def provided(self) -> list[Provided]:
        return [
            Provided(names.numbered(names.MODEL_VOLUME, i), None)
            for i in range(len(self.request.models))
        ]

    def obstacles(self, facts: Facts) -> Iterator[Problem]:
        yield from self._host_path_obstacles(facts)

    def node_labels(self) -> list[str]:
        return self._labels()


class EmptyDir(Strategy):
    """Memory of the pod's own, filled by a loader from the claim or the node's cache."""

    __slots__ = ()
    name = "emptyDir"

    def volumes(self) -> list[Json]:
        return [
            {
                "name": names.numbered(names.MODEL_VOLUME, i),
                "emptyDir": {"medium": "Memory", "sizeLimit": str(size)},
            }
            for i, size in enumerate(self.charges())
        ]

    def provided(self) -> list[Provided]:
        return [
            Provided(names.numbered(names.MODEL_VOLUME, i), None)
            for i in range(len(self.request.models))
        ]

    def charges(self) -> list[Quantity]:
        return [volume_size(model.size or 0) for model in self.request.models]

    def sources(self) -> tuple[list[Json], list[Provided]]:
        if self.wish.load_from == "node":
            return self._host_path_volumes(names.STORE_VOLUME), [
                Provided(names.numbered(names.STORE_VOLUME, i), None)
                for i in range(len(self.request.models))
            ]
        return self._each(claim_source(self.wish.claim, read_only=True), names.STORE_VOLUME), [
            Provided(names.STORE_VOLUME, self.directory(m)) for m in self.request.models
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
        match self.wish.load_from:
            case "claim":
                yield from claim_obstacles(facts, self.wish.claim)
            case "node":
                yield from self._host_path_obstacles(facts)
            case _:
                yield Problem(
                    codes.LOAD_FROM,
                    PREFIX + "load-from",
                    "this version has no loader that downloads: use claim or node",
                )

    def node_labels(self) -> list[str]:
        return self._labels() if self.wish.load_from == "node" else []


class Image(Strategy):
    """An OCI image with the weights."""

    __slots__ = ()
    name = "image"
    writable = False

    def volumes(self) -> list[Json]:
        return [
            {
                "name": names.numbered(names.MODEL_VOLUME, i),
                "image": {"reference": model.image or "", "pullPolicy": "IfNotPresent"},
            }
            for i, model in enumerate(self.request.models)
        ]

    def provided(self) -> list[Provided]:
        return [
            Provided(names.numbered(names.MODEL_VOLUME, i), self._inside(model))
            for i, model in enumerate(self.request.models)
        ]

    def _inside(self, model: Model) -> str | None:
        if self.wish.layout == "hf-cache" and model.source.repository:
            folder = store.hub_cache_folder(model.source.repository)
            return f"{model.image_directory}/{folder}" if model.image_directory else folder
        return model.image_directory

    def obstacles(self, facts: Facts) -> Iterator[Problem]:
        needs_sub_path = any(place.sub_path for place in self.provided())
        yield from image_obstacles(facts, self.request.models, needs_sub_path=needs_sub_path)


def claim_source(claim: str, *, read_only: bool) -> Json:
    """Return the source of a volume that mounts *claim*."""
    # readOnly on the claim, not on the mount alone: it keeps the kubelet from walking the
    # volume for an fsGroup and from creating a missing subPath on it (csi_mounter.go).
    source: Json = {"claimName": claim}
    return {"persistentVolumeClaim": source | ({"readOnly": True} if read_only else {})}


STRATEGIES: Final[dict[str, type[Strategy]]] = {s.name: s for s in (Pvc, HostPath, EmptyDir, Image)}
AUTO_ORDER: Final = ("pvc", "hostPath", "image")


def same_source(volume: Volume, ours: Json) -> bool:
    """Whether *volume*, as the API server keeps it, has the source that *ours* has."""
    claim, host, empty, image = (
        volume.persistent_volume_claim, volume.host_path, volume.empty_dir, volume.image,
    )  # fmt: skip
    if len([s for s in (claim, host, empty, image) if s is not None]) != 1:
        return False
    if claim and (want := ours.get("persistentVolumeClaim")):
        return (claim.claim_name, bool(claim.read_only)) == (
            want["claimName"],
            bool(want.get("readOnly")),
        )
    if host and (want := ours.get("hostPath")):
        return (host.path, host.type) == (want["path"], want["type"])
    if image and (want := ours.get("image")):
        return bool(image.reference == want["reference"])
    if empty and (want := ours.get("emptyDir")):
        if empty.medium != "Memory" or empty.size_limit is None:
            return False
        try:
            # A copy of a pod may come from a time when the catalogue gave the model more.
            return Quantity.parse(empty.size_limit) >= Quantity.parse(want["sizeLimit"])
        except ValueError:
            return False
    return False
