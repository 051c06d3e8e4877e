"""The affinity of a pod, of which only the one to nodes is read."""

from typing import Any

from webhook.objects.meta import Object


class Expression(Object, frozen=True):
    """One requirement of a node selector term."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] | None = None


class Term(Object, frozen=True):
    """A node selector term; matchFields is the mark of DaemonSet pods."""

    match_expressions: tuple[Expression, ...] | None = None
    match_fields: list[Any] | None = None


class Preference(Object, frozen=True):
    """A term with a weight."""

    preference: Term = Term()


class NodeSelector(Object, frozen=True):
    """Terms, of which one must hold."""

    node_selector_terms: tuple[Term, ...] | None = None


class NodeAffinity(Object, frozen=True):
    """What draws a pod to nodes."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[Preference, ...] | None = None


class Affinity(Object, frozen=True):
    """Of affinities only the one to nodes."""

    node_affinity: NodeAffinity | None = None
