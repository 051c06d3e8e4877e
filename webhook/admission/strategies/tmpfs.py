"""Use the memory of a pod as a volume: an emptyDir of medium Memory, mounted as tmpfs."""

from webhook.objects.json import Json
from webhook.objects.volume import EmptyDirSource, Volume
from webhook.values.quantity import Quantity


def tmpfs_volume(name: str, size: Quantity) -> Json:
    """Return the volume *name* that holds *size* bytes in memory."""
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": str(size)}}


def same_tmpfs(volume: Volume, ours: Json) -> bool:
    """Whether *volume* is in memory and at least as large as *ours*.

    It may be larger: a pod may be a copy from a time when the catalogue gave the model more bytes.
    """
    source = volume.source
    if not isinstance(source, EmptyDirSource):
        return False
    if source.medium != "Memory" or source.size_limit is None:
        return False
    try:
        return Quantity.parse(source.size_limit) >= Quantity.parse(ours["emptyDir"]["sizeLimit"])
    except ValueError:
        return False
