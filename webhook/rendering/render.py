"""Render the requested objects as one YAML stream."""

from collections.abc import Iterator, Sequence

from webhook.admission.policy.documents import Policy
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
        match kind:
            case Kind.PVC:
                yield text_of(claim(options), "The store: every model of this namespace.")
            case Kind.LEASE:
                named = {lease_name(model, options): model for model in options.models}
                for model in named.values():
                    for heading, content in lease(model, options):
                        yield text_of(content, heading)
            case Kind.JOB:
                for model in options.models:
                    yield text_of(job(model, options), f"Loads {model.text} into the store, once.")
            case Kind.NODE_LABELS:
                for heading, content in node_labels(options):
                    yield text_of(content, heading)
            case Kind.DAEMONSET:
                for model in options.models:
                    heading = f"Keeps {model.text} on each node. {daemon_set.HEADING}"
                    yield text_of(daemon_set_of(model, options), heading)
            case Kind.ADMISSION_POLICY:
                pass  # it is printed alone, above
