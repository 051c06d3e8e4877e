"""Owns the table of a pod's memory: what its author writes, and what the injected pod has.

All amounts are in Mi, and all sums were done by hand:

    V   256    a model of 240, 5 % more, up to 256
    S     8    /dev/shm, in the rows that request it
    O   512    the loader's own need: it may use V + O = 768

The limit of a pod's group is the larger of the loader's limit and the sum of the limits of the
containers that stay (KEP-753). It has no limit if one container has none, unless the pod itself has
one (KEP-2837).
"""

import dataclasses
from typing import Any, Final

from tests.kubernetes.api import Object
from tests.kubernetes.inference_pods import container
from tests.kubernetes.node_configuration import SANDBOX_IMAGE

V: Final = 256
S: Final = 8
LOADER: Final = (768, 768)
SERVER: Final = "vllm"
SMALL_CPU: Final = "20m"
"""The cpu of every container, so that all pods of the table fit on a node with two cores."""

Amounts = tuple[int | None, int | None]
"""Request and limit, in Mi; None if there is none."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pod, and the expected injected pod."""

    containers: tuple[Object, ...]
    init: tuple[Object, ...] = ()
    level: Object | None = None
    """The resources of the pod itself."""
    annotations: dict[str, str] = dataclasses.field(default_factory=dict)
    spec: dict[str, Any] = dataclasses.field(default_factory=dict)
    namespace: str = "plain"
    models: int = 1
    shm: int = 0
    full: bool = True
    """Whether the models fill their volumes, and the server /dev/shm, to the last page."""

    server: Amounts
    loader: Amounts | None = LOADER
    pod_level: Amounts | None = None
    others: dict[str, int | None] = dataclasses.field(default_factory=dict)
    """Limits of the containers other than the server."""
    pod: int | None
    """The limit of the pod's group."""
    left: int | None = None
    """What is left for processes once the model and /dev/shm are full."""
    by_container: bool = False
    """Whether the server reaches the limit of its container, as its author wrote it, first."""
    quality: str = "Burstable"


def resources(request: str | None, limit: str | None, cpu: str | None = SMALL_CPU) -> Object:
    """Return resources with memory *request* and *limit*."""
    requests = {"memory": request, "cpu": cpu}
    limits = {"memory": limit, "cpu": cpu}
    return {
        "requests": {key: value for key, value in requests.items() if value},
        "limits": {key: value for key, value in limits.items() if value},
    }


def server(request: str | None, limit: str | None, *, shm: int = 0, **fields: Any) -> Object:
    """Return the inference server, which fills *shm* Mi of /dev/shm."""
    asked = resources(request, limit)
    written = {"WRITE_SHARED_MEMORY": str(shm << 20)}
    return container(name=SERVER, env=written, resources=asked, **fields)


def asleep(
    name: str, request: str | None, limit: str | None, *, cpu: str | None = SMALL_CPU, **fields: Any
) -> Object:
    """Return a container that does nothing."""
    asked = resources(request, limit, cpu)
    image = {"image": SANDBOX_IMAGE, "imagePullPolicy": "Never"}
    return {"name": name, **image, "resources": asked, **fields}


def ends(name: str, limit: str | None) -> Object:
    """Return an init container that ends at once."""
    return asleep(name, limit, limit, command=["/bin/busybox", "true"])


READS: Final = ["/bin/busybox", "sh", "-c", """
    /bin/busybox cat /models/*/*/* >/dev/null && exec /bin/busybox sleep 2147483647
"""]  # fmt: skip
SIDECAR: Final[dict[str, Any]] = {"restartPolicy": "Always"}

ROWS: Final = {
    # Resources of containers.
    "T1 limit is request": Row(
        containers=(asleep(SERVER, "600Mi", "600Mi"),), full=False,
        server=(856, 856), pod=856, quality="Guaranteed",
    ),
    "T2 with shm": Row(
        containers=(server("600Mi", "600Mi", shm=S),), shm=S,
        server=(864, 864), pod=864, left=600, quality="Guaranteed",
    ),
    "T3 limit above request": Row(
        containers=(server("200Mi", "600Mi", shm=S),), shm=S,
        annotations={"shm-size": "8M"},  # a tmpfs has whole pages, and its limit whole Mi
        server=(456, 864), pod=864, left=600,
    ),
    "T4 T5 limit alone": Row(
        containers=(server(None, "600Mi"),),
        server=(856, 856), pod=856, left=600, quality="Guaranteed",
    ),
    "T6 request alone": Row(
        containers=(asleep(SERVER, "200Mi", None),), shm=S, full=False,
        server=(456, None), pod=None,
    ),
    "T7 nothing": Row(
        containers=(asleep(SERVER, None, None, cpu=None),), full=False,
        server=(None, None), pod=None,
    ),
    "T14 quota of limits": Row(
        containers=(asleep(SERVER, "600Mi", "600Mi"),), namespace="quota", full=False,
        server=(856, 856), pod=856, quality="Guaranteed",
    ),
    "T15 next to a proxy": Row(
        containers=(asleep(SERVER, "600Mi", "600Mi"), asleep("proxy", "64Mi", "64Mi")), full=False,
        server=(856, 856), others={"proxy": 64}, pod=920, quality="Guaranteed",
    ),
    "T16 next to a proxy without limit": Row(
        containers=(asleep(SERVER, "600Mi", "600Mi"), asleep("proxy", None, None)), full=False,
        server=(856, 856), others={"proxy": None}, pod=None,
    ),
    "T17 two readers": Row(
        containers=(server("600Mi", "600Mi"), asleep("reader", "64Mi", "64Mi", command=READS)),
        annotations={"containers": f"{SERVER},reader"},
        server=(856, 856), others={"reader": 64}, pod=920, left=664, quality="Guaranteed",
    ),
    "T33 overhead of the runtime": Row(
        containers=(asleep(SERVER, "600Mi", "600Mi"),), full=False,
        spec={"runtimeClassName": "costly"},
        server=(856, 856), pod=856 + 32, quality="Guaranteed",
    ),
    "limit range gives 300 and 600": Row(
        containers=(asleep(SERVER, None, None),), namespace="defaults", full=False,
        server=(556, 856), pod=856,
    ),
    "two models": Row(
        containers=(server("600Mi", "600Mi", shm=S),), models=2, shm=S, loader=(1024, 1024),
        server=(1120, 1120), pod=1120, left=600, quality="Guaranteed",
    ),
    # How memory is used; the server is as large as the loader's O, or smaller.
    "T34 none": Row(
        containers=(server("700Mi", "700Mi", shm=S),), annotations={"memory": "none"}, shm=S,
        server=(700, 700), pod=768, left=504, quality="Guaranteed",
    ),
    "T35 ensure, large enough": Row(
        containers=(asleep(SERVER, "900Mi", "900Mi"),), annotations={"memory": "ensure"}, shm=S,
        full=False,
        server=(900, 900), pod=900, quality="Guaranteed",
    ),
    "T35 ensure, too small": Row(
        containers=(server("300Mi", "300Mi", shm=S),), annotations={"memory": "ensure"}, shm=S,
        server=(776, 776), pod=776, left=512, quality="Guaranteed",
    ),
    # Init containers and native sidecars (KEP-753).
    "server is a sidecar": Row(
        containers=(asleep("proxy", "64Mi", "64Mi"),),
        init=(server("600Mi", "600Mi", **SIDECAR),),
        annotations={"containers": SERVER},
        server=(856, 856), others={"proxy": 64}, pod=920, left=664, quality="Guaranteed",
    ),
    "sidecar, then a large init container": Row(
        containers=(asleep(SERVER, "600Mi", "600Mi"),),
        init=(asleep("mesh", "64Mi", "64Mi", **SIDECAR), ends("compile", "900Mi")), full=False,
        server=(856, 856), others={"mesh": 64}, pod=964, quality="Guaranteed",
    ),
    # Resources of the pod itself (KEP-2837): they have the reservation, not the loader.
    "T36 pod level": Row(
        level=resources("600Mi", "600Mi"), containers=(server(None, None),),
        pod_level=(856, 856), server=(None, None), loader=(64, 768),
        pod=856, left=600, quality="Guaranteed",
    ),
    "T37 pod level, limit above request": Row(
        level=resources("300Mi", "700Mi"), containers=(server("100Mi", "650Mi", shm=S),), shm=S,
        pod_level=(556, 964), server=(100, 658), loader=(64, 768),
        pod=964, left=650, by_container=True,
    ),
    "pod level, limit alone": Row(
        level=resources(None, "600Mi"), containers=(server(None, None, shm=S),), shm=S,
        pod_level=(864, 864), server=(None, None), loader=(600, 768),
        pod=864, left=600, quality="Guaranteed",
    ),
    "pod level, request alone": Row(
        level=resources("300Mi", None), containers=(asleep(SERVER, "200Mi", "600Mi"),), full=False,
        pod_level=(556, 856), server=(456, 856), loader=(64, 768),
        pod=856,
    ),
    # No model in memory.
    "T53 claim": Row(
        containers=(asleep(SERVER, "200Mi", "600Mi"),), shm=S, full=False, models=0,
        annotations={"strategy": "pvc", "claim": "models"},
        server=(200, 608), loader=None, pod=608,
    ),
}  # fmt: skip
