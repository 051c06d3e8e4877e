"""What is asked for, as one YAML stream."""

from collections.abc import Iterator

from webhook.rendering import daemon_set
from webhook.rendering.claim import claim
from webhook.rendering.daemon_set import daemon_set as daemon_set_of
from webhook.rendering.job import job
from webhook.rendering.lease import lease, lease_name
from webhook.rendering.node_labels import node_labels
from webhook.rendering.noted import text_of
from webhook.rendering.options import Kind, Order


def rendered(order: Order) -> str:
    """Return the documents, each with its comments: what is mounted before what mounts it."""
    return "".join(_documents(order))


def _documents(order: Order) -> Iterator[str]:
    for kind in order.kinds:
        match kind:
            case Kind.PVC:
                yield text_of(claim(order), "The store: every model of this namespace.")
            case Kind.LEASE:
                named = {lease_name(model, order): model for model in order.models}
                for model in named.values():
                    for heading, content in lease(model, order):
                        yield text_of(content, heading)
            case Kind.JOB:
                for model in order.models:
                    yield text_of(job(model, order), f"Loads {model.text} into the store, once.")
            case Kind.NODE_LABELS:
                for heading, content in node_labels(order):
                    yield text_of(content, heading)
            case Kind.DAEMONSET:
                for model in order.models:
                    heading = f"Keeps {model.text} on each node. {daemon_set.HEADING}"
                    yield text_of(daemon_set_of(model, order), heading)
