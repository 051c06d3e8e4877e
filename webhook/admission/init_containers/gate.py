"""Write the gate, which checks that the models are complete before the server starts."""

from collections.abc import Sequence
from typing import Final

from webhook.admission.init_containers.container import Base
from webhook.admission.init_containers.resources import resources_of
from webhook.objects import names
from webhook.objects.container import Container, Resources
from webhook.objects.json import Json
from webhook.objects.pod import PodSpec
from webhook.values.quantity import MI, Quantity

_MEMORY: Final = Quantity(128 * MI)


def gate(
    base: Base,
    mounts: Sequence[Json],
    spec: PodSpec,
    target: Container,
    *,
    level: Resources | None,
) -> Json:
    """Return the gate that checks the models below *mounts* before the server starts."""
    paths = [str(mount["mountPath"]) for mount in mounts]
    resources = resources_of(_MEMORY, spec, target, level)
    return base.container(names.GATE, ["verify", *paths], mounts, resources)
