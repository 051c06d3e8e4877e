"""Warn about what the pod has itself, and what that means for the models.

None of this is a mistake in an annotation, so nothing is refused because of it.
"""

from collections.abc import Sequence

from webhook.admission import codes, ledger
from webhook.admission.containers.choice import Place
from webhook.admission.containers.shm import shm_size
from webhook.admission.init_containers import place
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import LEDGER, PREFIX
from webhook.admission.strategies.claim import shared_mode
from webhook.admission.strategies.strategy import Strategy
from webhook.objects import names
from webhook.objects.container import Container
from webhook.objects.facts import Facts
from webhook.objects.pod import Pod, PodSpec
from webhook.values.paths import normalised


def pod_remarks(
    pod: Pod,
    strategy: Strategy,
    target: Place,
    readers: Sequence[Container],
    facts: Facts,
    *,
    first: bool,
) -> list[Problem]:
    """Return a remark for each thing that works differently than the author may believe.

    *first*: the pod has none of our volumes.
    """
    spec = pod.spec or PodSpec()
    found: list[Problem] = []
    if spec.host_ipc:
        found += _shared_memory_of_the_node(target, strategy)
    for volume in spec.volumes or ():
        if volume.persistent_volume_claim:
            found += shared_mode(strategy, spec, facts)
            break
    if spec.init_containers and strategy.downloads:
        at = place.index(spec, strategy, readers)
        found += place.without_network(spec, strategy, at)
    if first and (written := pod.annotations.get(LEDGER)):
        found += _raised_before(written, strategy)
    return found


def _shared_memory_of_the_node(target: Place, strategy: Strategy) -> list[Problem]:
    """Return a remark if the pod would get /dev/shm, but has the node's."""
    mounted = {normalised(m.mount_path) for m in target.container.volume_mounts or ()}
    size = shm_size(strategy.request)
    if not size or names.SHM_PATH in mounted:
        return []
    what = (
        f"{target.container.name} uses /dev/shm of the node, and gets none of {size}. What it "
        "writes there counts against its memory limit, which is not raised, and stays on the "
        f"node: remove hostIPC, or set {PREFIX}shm-size to 0"
    )
    return [Problem(codes.HOST_IPC, "spec.hostIPC", what)]


def _raised_before(written: str, strategy: Strategy) -> list[Problem]:
    """Return a remark if limits that contain the model already are raised again."""
    added = strategy.charges() or shm_size(strategy.request)
    if not added or strategy.request.options.memory != "add":
        return []
    if "delta" not in ledger.recorded(written):
        return []
    what = (
        "says that memory has been raised, but the pod has no volume of modelcache, so it is "
        "raised now: if the limits were copied from a running pod, lower them, and remove this "
        "annotation"
    )
    return [Problem(codes.STALE_LEDGER, LEDGER, what)]
