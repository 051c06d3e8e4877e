"""Write the loader of strategy emptyDir that copies the models into memory, and then ends."""

from collections.abc import Sequence
from typing import Final

from webhook.admission.init_containers.container import Base
from webhook.admission.init_containers.resources import resources_of
from webhook.admission.memory import OVERHEAD
from webhook.objects import names
from webhook.objects.container import Container, Resources
from webhook.objects.json import Json
from webhook.objects.pod import PodSpec
from webhook.values.quantity import Quantity

_STORE: Final = "/modelcache/store"
_MEMORY: Final = "/modelcache/memory"


def loader(  # what the container is made of
    base: Base,
    sources: Sequence[Json],
    volumes: Sequence[str],
    size: Quantity,
    spec: PodSpec,
    target: Container,
    *,
    level: Resources | None,
) -> Json:
    """Return the loader that copies from mounts *sources* into the tmpfs *volumes*.

    One loader copies all models, so that its limit of *size* + 512Mi is enough whatever the
    other containers request. *level*: resources at the pod level; None if the API server
    drops them.
    """
    arguments: list[str] = []
    mounts: list[Json] = []
    for i, (source, volume) in enumerate(zip(sources, volumes, strict=True), start=1):
        arguments += [f"{_STORE}/{i}", f"{_MEMORY}/{i}"]
        mounts += [
            {**source, "mountPath": f"{_STORE}/{i}", "readOnly": True},
            {"name": volume, "mountPath": f"{_MEMORY}/{i}"},
        ]
    resources = resources_of(size.plus(OVERHEAD), spec, target, level)
    return base.container(names.LOADER, ["copy", *arguments], mounts, resources)
