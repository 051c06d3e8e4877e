"""Give a server shared memory for its processes: the volume at /dev/shm."""

from webhook.admission.containers.choice import Place
from webhook.admission.request.declared import CacheRequest
from webhook.admission.strategies.tmpfs import tmpfs_volume
from webhook.objects import names
from webhook.objects.json import Json
from webhook.objects.pod import PodSpec
from webhook.values.paths import normalised
from webhook.values.quantity import MI, Quantity


def shm_size(request: CacheRequest) -> Quantity:
    """Return the requested size, rounded up to whole Mi.

    A tmpfs consists of whole pages. If its sizeLimit ends within a page, the pod can write
    more than sizeLimit, and then the kubelet evicts it (emptyDirLimitEviction).
    """
    return request.options.shm_size.up_to(MI)


def shm_volume(spec: PodSpec, target: Place, request: CacheRequest) -> Json | None:
    """Return the volume for /dev/shm; None if the pod wants none, or has mounted one."""
    size = shm_size(request)
    if not size or spec.host_ipc:
        return None
    for mount in target.container.volume_mounts or ():
        if normalised(mount.mount_path) == names.SHM_PATH and mount.name != names.SHM_VOLUME:
            return None
    return tmpfs_volume(names.SHM_VOLUME, size)
