"""Find pods that only nodes with Windows can run.

A pod says so in spec.os, in its nodeSelector, or in each term of its required node affinity
(terms are alternatives). Kubelets set these labels on their nodes:
https://kubernetes.io/docs/reference/labels-annotations-taints/. The match condition not-windows
of deploy/chart has the same rule.
"""

from typing import Final

from webhook.objects.affinity import Expression
from webhook.objects.pod import PodSpec

WINDOWS: Final = "windows"
_SYSTEM: Final = ("kubernetes.io/os", "beta.kubernetes.io/os")
_BUILD: Final = "node.kubernetes.io/windows-build"


def requires_windows(spec: PodSpec) -> bool:
    """Whether no node with another system may run the pod."""
    if spec.os and spec.os.name == WINDOWS:
        return True
    selector = spec.node_selector
    if selector and (
        _BUILD in selector or any(selector.get(label) == WINDOWS for label in _SYSTEM)
    ):
        return True
    affinity = spec.affinity and spec.affinity.node_affinity
    required = affinity and affinity.required_during_scheduling_ignored_during_execution
    if not required or not required.node_selector_terms:
        return False
    return all(
        any(map(_excludes, term.match_expressions or ())) for term in required.node_selector_terms
    )


def _excludes(one: Expression) -> bool:
    """Whether only nodes with Windows match the expression."""
    values = one.values or ()
    if one.key == _BUILD:
        return one.operator in ("In", "Exists")
    return one.key in _SYSTEM and (
        (one.operator == "In" and set(values) == {WINDOWS})
        or (one.operator == "NotIn" and "linux" in values)
    )
