"""Use the cache of a node as the store of models: its volumes, labels, and obstacles."""

from collections.abc import Iterator
from typing import Final

from webhook.admission import codes
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest
from webhook.admission.strategies.strategy import Strategy
from webhook.models.layout import NODE_LABEL_VALUE
from webhook.objects import names
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.volume import HostPathSource, Volume
from webhook.values.paths import collide
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
    """Yield why a directory of the node can't be mounted, or why its nodes are not known."""
    options, known = request.options, labels(request)
    if not collide(options.host_path, request.root) or len(options.host_path) < len(request.root):
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
            yield Problem(
                codes.NODES,
                PREFIX + "strategy",
                f"no node of {len(facts.nodes)} has the label {known[0]}: "
                "load the model on a node, or use pvc",
            )
    if options.placement == "required" and len(known) < len(request.models):
        yield Problem(
            codes.PLACEMENT,
            PREFIX + "placement",
            "required needs models pinned to a commit (org/name@commit, or a CachedModel "
            "with status.revision) in the layout of stores: pin them, or use preferred",
        )
