"""Render the PersistentVolumeClaim that holds the store of a namespace."""

from webhook.objects.json import Json
from webhook.rendering.noted import Noted
from webhook.rendering.options import Options
from webhook.rendering.pod import labels, metadata


def claim(options: Options) -> Json:
    """Return the claim."""
    spec: Json = {
        "accessModes": Noted(["ReadWriteMany"], "A loader writes while pods on many nodes read.")
    }
    if options.storage_class:
        spec["storageClassName"] = options.storage_class
    storage: str | Noted = str(options.storage)
    if options.counted:
        why = "Room for two revisions: one is loaded while pods still read the other."
        storage = Noted(storage, why)
    spec["resources"] = {"requests": {"storage": storage}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(options.claim, options, labels("store")),
        "spec": spec,
    }
