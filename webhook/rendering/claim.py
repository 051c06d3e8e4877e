"""The PersistentVolumeClaim that is the store of a namespace."""

from webhook.objects.json import Json
from webhook.rendering.noted import Noted
from webhook.rendering.options import Options
from webhook.rendering.pod import labels, metadata


def claim(options: Options) -> Json:
    """Return the claim."""
    spec: Json = {
        "accessModes": Noted(
            ["ReadWriteMany"], "One writes and the pods of many nodes read, at the same time."
        )
    }
    if options.storage_class:
        spec["storageClassName"] = options.storage_class
    storage: str | Noted = str(options.storage)
    if options.counted:
        why = "Room for two revisions: the next is loaded while pods read the one before."
        storage = Noted(storage, why)
    spec["resources"] = {"requests": {"storage": storage}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(options.claim, options, labels("store")),
        "spec": spec,
    }
