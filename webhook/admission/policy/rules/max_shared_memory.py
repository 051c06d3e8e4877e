"""Rule maxSharedMemory."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from webhook.admission import codes
from webhook.admission.containers.shm import shm_size
from webhook.admission.policy.rules.rule import Rule, Size
from webhook.admission.policy.rules.subject import Asking
from webhook.objects import names
from webhook.objects.container import Container
from webhook.values.paths import normalised
from webhook.values.quantity import Quantity


class MaxSharedMemory(Rule, frozen=True):
    """Refuses a larger /dev/shm."""

    name = "maxSharedMemory"
    code = codes.RULE_SHM

    size: Annotated[Size, Meta(description="The most bytes of /dev/shm.")]

    def asked(self, pod: Asking) -> Iterator[str]:
        """Yield a finding if /dev/shm is larger: ours, or the author's own."""
        allowed = Quantity.parse(self.size)
        own = {v.name: v.empty_dir for v in pod.spec.volumes or () if v.empty_dir}
        for container in (*(pod.spec.containers or ()), *(pod.spec.init_containers or ())):
            volume = own.get(_shm_of(container) or "")
            if volume is None or volume.medium != "Memory":
                continue
            if volume.size_limit is None:
                yield (
                    f"the volume at /dev/shm of container {container.name} has no sizeLimit, "
                    f"allowed are {allowed}: set it"
                )
            elif (size := Quantity.parse(volume.size_limit)) > allowed:
                yield (
                    f"the volume at /dev/shm of container {container.name} has {size}, allowed "
                    f"are {allowed}: lower its sizeLimit"
                )
        size = shm_size(pod.request)
        replaced = pod.spec.host_ipc or (pod.target and _shm_of(pod.target))
        if size > allowed and not replaced:
            who = pod.said("shm-size")
            yield f"shm-size {size}{who} is more than {allowed}: lower modelcache.io/shm-size"


def _shm_of(container: Container) -> str | None:
    """Return the name of the author's own volume at /dev/shm."""
    return next(
        (
            mount.name
            for mount in container.volume_mounts or ()
            if normalised(mount.mount_path) == names.SHM_PATH and mount.name != names.SHM_VOLUME
        ),
        None,
    )
