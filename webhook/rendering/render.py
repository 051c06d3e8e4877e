"""Render the requested objects as one YAML stream."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from webhook.admission.policy.documents import Policy
from webhook.objects.json import Json
from webhook.rendering import daemon_set
from webhook.rendering.admission_policy.policies import policies_of
from webhook.rendering.claim import claim
from webhook.rendering.daemon_set import daemon_set as daemon_set_of
from webhook.rendering.job import job
from webhook.rendering.kinds import Kind
from webhook.rendering.lease import lease, lease_name
from webhook.rendering.node_labels import node_labels
from webhook.rendering.noted import text_of
from webhook.rendering.options import Given, Options
from webhook.rendering.prune import prune

_Objects = Iterator[tuple[str, Json]]


def rendered(names: Sequence[str], given: Given, policy: Policy | None) -> str:
    """Return the documents with their comments; a claim comes before the pods that mount it.

    *policy*: None if it could not be read. ValueError names every mistake.
    """
    if Kind.ADMISSION_POLICY in given.kinds:
        objects = policies_of(names, given, policy)
        return "".join([text_of(content, heading) for heading, content in objects])
    return "".join(_documents(Options.of(names, given, policy)))


def _documents(options: Options) -> Iterator[str]:
    for kind in options.kinds:
        for heading, content in _OBJECTS[kind](options):
            yield text_of(content, heading)


def _claim(options: Options) -> _Objects:
    yield "The store: every model of this namespace.", claim(options)


def _leases(options: Options) -> _Objects:
    named = {lease_name(model, options): model for model in options.models}
    for model in named.values():
        yield from lease(model, options)


def _jobs(options: Options) -> _Objects:
    for model in options.models:
        yield f"Loads {model.text} into the store, once.", job(model, options)


def _daemon_sets(options: Options) -> _Objects:
    for model in options.models:
        heading = f"Keeps {model.text} on each node. {daemon_set.HEADING}"
        yield heading, daemon_set_of(model, options)


_OBJECTS: Final[dict[Kind, Callable[[Options], _Objects]]] = {
    Kind.PVC: _claim,
    Kind.LEASE: _leases,
    Kind.JOB: _jobs,
    Kind.NODE_LABELS: node_labels,
    Kind.DAEMONSET: _daemon_sets,
    Kind.PRUNE: prune,
}
"""Kind → its objects with their headings. An admission policy is printed alone."""
