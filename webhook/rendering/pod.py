"""Render what all our pods have in common: user, security context, metadata."""

from typing import Final

from webhook.objects import names, restricted
from webhook.objects.json import Json
from webhook.objects.restricted import USER
from webhook.rendering.noted import Noted
from webhook.rendering.options import Options
from webhook.rendering.readers import is_label_value
from webhook.rendering.wanted import Wanted

MODEL: Final = "loader.modelcache.io/model"
"""A label, set if the name of the model is a valid label value."""
_NAME: Final = "app.kubernetes.io/name"


def metadata(name: str, options: Options, labels: Json, model: Wanted | None = None) -> Json:
    """Return the metadata of an object; *model*: the model that it loads."""
    found: Json = {"name": name}
    if options.namespace:
        found["namespace"] = options.namespace
    found["labels"] = labels
    if model:
        found["annotations"] = {names.LOADER_SOURCE: model.text}
    return found


def labels(component: str, model: Wanted | None = None) -> Json:
    """Return the labels of an object, and of its pods."""
    found = {_NAME: "modelcache", "app.kubernetes.io/component": component}
    if model and model.source.repository and is_label_value(model.source.folder):
        found[MODEL] = model.source.folder
    return found


def pod_security() -> Json:
    """Return the security context of a pod that passes Pod Security `restricted`."""
    return restricted.pod_security(runAsUser=USER, runAsGroup=USER)


def volume_group() -> Json:
    """Return what gives a claim to the group of our user, if its driver supports that."""
    return {
        "fsGroup": Noted(
            USER, "The volume is given to the group of the loader, if its driver supports that."
        ),
        "fsGroupChangePolicy": Noted(
            "OnRootMismatch",
            "Otherwise each start walks all files of the store to change their group.",
        ),
    }


def container_security() -> Json:
    """Return the security context of a container that passes Pod Security `restricted`."""
    return restricted.container_security() | {"readOnlyRootFilesystem": True}


def resources(cpu: str, memory: str) -> Json:
    """Return requests and limits: all memory is reserved, and CPU is not limited."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}
