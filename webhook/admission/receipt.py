"""Receipts: a volume of the pod with our name and the source that we would give it.

It proves that this piece of an injection is there; an annotation, which anyone
can write, would not.
"""

from webhook.objects.json import Json
from webhook.objects.volume import Volume
from webhook.values.quantity import Quantity


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
