"""Use the cache of a node as the store of models: its volumes, labels, and obstacles."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from webhook.admission import codes
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest
from webhook.admission.strategies.store import Store
from webhook.admission.strategies.strategy import Strategy
from webhook.models.layout import NODE_LABEL_VALUE
from webhook.objects import names
from webhook.objects.facts import NAMESPACES, NODES, Facts
from webhook.objects.json import Json
from webhook.objects.volume import HostPathSource, Volume
from webhook.values.paths import within
from webhook.values.text import quoted

_PSA: Final = "pod-security.kubernetes.io/enforce"


def node_volumes(strategy: Strategy, name: str) -> list[Json]:
    """Return a volume per model: the published directory itself.

    It has no subPath, so that the kubelet checks by the type Directory that the model is there.
    """
    return [
        {
            "name": names.numbered(name, i),
            "hostPath": {
                "path": f"{strategy.request.options.host_path}/{strategy.directory(model)}",
                "type": "Directory",
            },
        }
        for i, model in enumerate(strategy.request.models)
    ]


def same_directory(volume: Volume, ours: Json) -> bool:
    """Whether *volume* is the same directory as *ours*, with the same type."""
    source, want = volume.source, ours["hostPath"]
    return isinstance(source, HostPathSource) and (source.path, source.type) == (
        want["path"],
        want["type"],
    )


def labels(request: CacheRequest) -> list[str]:
    """Return the labels of nodes that hold the models, for models whose commit is known."""
    return [model.label for model in request.models if model.label]


def node_obstacles(facts: Facts, request: CacheRequest) -> Iterator[Problem]:
    """Yield why a directory of the node can't be mounted, or which nodes the pod waits for."""
    options, known = request.options, labels(request)
    if request.root is not None and not within(options.host_path, request.root):
        yield Problem(
            codes.HOST_PATH,
            PREFIX + "host-path",
            f"{quoted(options.host_path)} is not at or below {request.root}, "
            "the node cache of the platform: remove the annotation",
        )
    if facts.pod_security in ("baseline", "restricted"):
        yield Problem(
            codes.POD_SECURITY,
            PREFIX + "strategy",
            f"namespace {facts.namespace} has the label {_PSA}={facts.pod_security}, "
            "which forbids hostPath volumes: use pvc",
        )
    if facts.nodes is not None and known:
        ready = [n for n in facts.nodes if all(n.get(x) == NODE_LABEL_VALUE for x in known)]
        if not ready:
            selector = ",".join(f"{label}={NODE_LABEL_VALUE}" for label in known)
            yield Problem(
                codes.NODE_AWAITED,
                PREFIX + "strategy",
                f"no node of {len(facts.nodes)} has the label{'s' * (len(known) > 1)} "
                f"{', '.join(known)}: load the model on a node, or use pvc "
                f"(kubectl get nodes -l {selector})",
            )
    if options.placement == "required" and len(known) < len(request.models):
        yield Problem(
            codes.PLACEMENT,
            PREFIX + "placement",
            "required needs models pinned to a commit (org/name@commit, or a CachedModel "
            "with status.revision) in the layout of stores: pin them, or use preferred",
        )


@dataclass(frozen=True, slots=True)
class NodeStore(Store):
    """The cache of each node as a store."""

    request: CacheRequest

    def unknown(self, facts: Facts) -> str | None:
        if facts.nodes is None:
            return facts.why_unknown(NODES)
        unpinned = [model.asked for model in self.request.models if not model.label]
        if unpinned:
            return f"it is not known which nodes hold {quoted(unpinned[0])}: pin it to a commit"
        return None

    def says_what_it_holds(self, facts: Facts) -> bool:
        return not self.unknown(facts)

    def looks_at(self) -> tuple[str, ...]:
        return (NAMESPACES, NODES) if labels(self.request) else (NAMESPACES,)
