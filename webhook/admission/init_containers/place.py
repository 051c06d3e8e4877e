"""Choose the place of our init containers: the front, or behind a native sidecar that they need.

At the front they need the least memory, and the author's init containers can use the model. But
a loader that downloads needs the network. With a CNI plugin, a mesh redirects the traffic of a pod
to its proxy from the beginning, and nothing answers before the proxy runs. Without the plugin, an
init container of the mesh does so, and the network of what comes before it is still untouched.
And where a sidecar serves the files of a claim, nobody can read the claim before it runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from webhook.admission import codes
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.strategies.strategy import Strategy
from webhook.objects.container import Container
from webhook.objects.pod import PodSpec


@dataclass(frozen=True, slots=True)
class Mesh:
    """The names of the containers that a mesh adds to a pod."""

    name: str
    proxy: str
    redirects: str
    """Redirects the traffic if there is no CNI plugin."""
    validates: str
    """Checks that the CNI plugin has redirected the traffic."""


MESHES: Final = (
    Mesh("Istio", "istio-proxy", "istio-init", "istio-validation"),
    Mesh("Linkerd", "linkerd-proxy", "linkerd-init", "linkerd-network-validator"),
    Mesh("Kuma", "kuma-sidecar", "kuma-init", "kuma-validation"),
)
"""As istio (pkg/kube/inject), linkerd2 (pkg/k8s/labels.go) and kuma (pkg/plugins/runtime/k8s) name
them."""

SERVES_FILES: Final = "gke-gcsfuse-sidecar"
"""Serves buckets of Cloud Storage as claims (gcs-fuse-csi-driver, pkg/webhook/sidecar_spec.go)."""


def index(spec: PodSpec, strategy: Strategy, readers: Sequence[Container]) -> int:
    """Return the index among the init containers at which ours are inserted.

    *readers*: the containers that get the models. Ours never come after one of them.
    """
    there = spec.init_containers or ()
    behind = [
        i + 1
        for i, one in enumerate(there)
        if one.is_sidecar
        and (one.name == SERVES_FILES or (strategy.downloads and _makes_network(one, there)))
    ]
    first = [i for i, one in enumerate(there) if any(one is reader for reader in readers)]
    return min([max(behind, default=0), *first])


def _makes_network(one: Container, there: Sequence[Container]) -> bool:
    """Whether *one* is the proxy of a mesh, and no init container redirects the traffic."""
    names = {other.name for other in there}
    return any(one.name == mesh.proxy and mesh.redirects not in names for mesh in MESHES)


def without_network(spec: PodSpec, strategy: Strategy, at: int) -> Iterator[Problem]:
    """Yield a remark if the loader downloads, but has no network at index *at*."""
    if not strategy.downloads:
        return
    before = {one.name for one in (spec.init_containers or ())[:at] if one.is_sidecar}
    names = {one.name for one in spec.init_containers or ()}
    for mesh in MESHES:
        if mesh.validates in names and mesh.proxy not in before:
            yield Problem(
                codes.NO_NETWORK,
                PREFIX + "load-from",
                f"the loader downloads before {mesh.proxy} runs, and {mesh.name}'s CNI plugin "
                "sends its traffic there: make the proxy a native sidecar, exempt the port of the "
                "source from it, or set load-from to claim or node",
            )
