"""Add node affinity to the nodes that hold the models.

It is preferred by default. A required term would keep a cluster autoscaler from ever
adding a node, since the template of a new node does not have the label. Required
expressions go into every existing term, because terms are alternatives (core/v1
NodeSelector): one more term would allow more nodes. Pods of a DaemonSet have
matchFields, and get only preferences.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from webhook.models.layout import NODE_LABEL_VALUE
from webhook.objects.affinity import Affinity, NodeAffinity
from webhook.objects.json import Json
from webhook.objects.json_patch import add, appended

_AFFINITY: Final = "/spec/affinity"
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"


def _expression(label: str) -> Json:
    return {"key": label, "operator": "In", "values": [NODE_LABEL_VALUE]}


def is_pinned(affinity: Affinity | None) -> bool:
    """Whether the pod belongs to a DaemonSet, which binds it to its node by matchFields."""
    node = affinity and affinity.node_affinity
    required = node and node.required_during_scheduling_ignored_during_execution
    return any(t.match_fields for t in (required and required.node_selector_terms) or ())


def operations(affinity: Affinity | None, labels: Sequence[str], mode: str) -> Iterator[Json]:
    """Yield the operations that draw the pod to nodes with *labels*.

    *mode*: preferred or required.
    """
    if not labels:
        return
    node = affinity.node_affinity if affinity else None
    if mode == "required" and not is_pinned(affinity):
        yield from _required(affinity, node, labels)
        return
    there = (node and node.preferred_during_scheduling_ignored_during_execution) or ()
    known = {e.key for p in there for e in p.preference.match_expressions or ()}
    weight = max(1, 100 // len(labels))
    wanted = [
        {"weight": weight, "preference": {"matchExpressions": [_expression(label)]}}
        for label in labels
        if label not in known
    ]
    if not wanted:
        return
    if affinity is None:
        yield add(_AFFINITY, {"nodeAffinity": {_PREFERRED: wanted}})
    elif node is None:
        yield add(_AFFINITY + "/nodeAffinity", {_PREFERRED: wanted})
    else:
        there_or_none = node.preferred_during_scheduling_ignored_during_execution
        yield from appended(f"{_AFFINITY}/nodeAffinity/{_PREFERRED}", there_or_none, wanted)


def _required(
    affinity: Affinity | None, node: NodeAffinity | None, labels: Sequence[str]
) -> Iterator[Json]:
    selector = node and node.required_during_scheduling_ignored_during_execution
    terms = selector and selector.node_selector_terms
    if terms:
        for i, term in enumerate(terms):
            if not term.match_expressions:
                continue  # an empty term matches no node; with our expression it would match some
            known = {e.key for e in term.match_expressions or ()}
            path = f"{_AFFINITY}/nodeAffinity/{_REQUIRED}/nodeSelectorTerms/{i}/matchExpressions"
            missing = [_expression(label) for label in labels if label not in known]
            yield from appended(path, term.match_expressions, missing)
        return
    value = {"nodeSelectorTerms": [{"matchExpressions": [_expression(x) for x in labels]}]}
    if affinity is None:
        yield add(_AFFINITY, {"nodeAffinity": {_REQUIRED: value}})
    elif node is None:
        yield add(_AFFINITY + "/nodeAffinity", {_REQUIRED: value})
    else:
        yield add(f"{_AFFINITY}/nodeAffinity/{_REQUIRED}", value)
