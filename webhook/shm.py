"""The memory that the processes of a server share, at /dev/shm."""

from webhook import names
from webhook.containers import Place
from webhook.decision import Json
from webhook.objects.pod import PodSpec
from webhook.paths import normalised
from webhook.request import CacheRequest


def shm_volume(spec: PodSpec, target: Place, request: CacheRequest) -> Json | None:
    """Return the volume for /dev/shm, None where none is wanted or one is mounted."""
    size = request.annotations.shm_size
    if not size or spec.host_ipc:
        return None
    for mount in target.container.volume_mounts or ():
        if normalised(mount.mount_path) == names.SHM_PATH and mount.name != names.SHM_VOLUME:
            return None
    return {"name": names.SHM_VOLUME, "emptyDir": {"medium": "Memory", "sizeLimit": str(size)}}
