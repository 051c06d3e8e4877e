"""The affinity of a pod to nodes."""

from typing import Any

from webhook.objects.meta import Object


class Expression(Object, frozen=True):
    """One requirement of a node selector term."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] | None = None


class Term(Object, frozen=True):
    """A node selector term. Only pods of DaemonSets have matchFields."""

    match_expressions: tuple[Expression, ...] | None = None
    match_fields: list[Any] | None = None


class Preference(Object, frozen=True):
    """A term with a weight."""

    preference: Term = Term()


class NodeSelector(Object, frozen=True):
    """Terms, of which at least one must match."""

    node_selector_terms: tuple[Term, ...] | None = None


class NodeAffinity(Object, frozen=True):
    """The required and the preferred terms of a pod."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[Preference, ...] | None = None


class Affinity(Object, frozen=True):
    """The affinity of a pod. Only nodeAffinity is read."""

    node_affinity: NodeAffinity | None = None
