"""Check that the API server reaches the webhook: its warning must come back from dry runs."""

import re
from collections.abc import Iterator
from typing import Final

from webhook.admission.admit import EXCLUDED
from webhook.admission.codes import UNKNOWN_ANNOTATION
from webhook.api_server.errors import Forbidden, Refused
from webhook.doctor import probe
from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, error, kubectl, ok, warning
from webhook.doctor.installation import WEBHOOKS, Installation
from webhook.objects.facts import ADMISSION_LABEL, DISABLED
from webhook.objects.json import Json

_FAILED: Final = re.compile(r'failed calling webhook "[\w.-]*modelcache\.io"')


def _run(installation: Installation) -> Iterator[Finding]:
    namespace = installation.names.probe_namespace
    if _is_left_out(installation, namespace):
        yield warning(
            f"not tried: the API server sends nothing of namespace {namespace} to the webhook",
            "name a namespace that is not left out with --probe-namespace",
        )
        return
    pods = ("api", "v1", "namespaces", namespace, "pods")
    workloads = ("apis", "apps", "v1", "namespaces", namespace, "deployments")
    objects = (probe.pod(annotated=True), pods), (probe.deployment(), workloads)
    for webhook, (body, segments) in zip(WEBHOOKS, objects, strict=True):
        yield _judged(installation, webhook, body, segments)


def _is_left_out(installation: Installation, namespace: str) -> bool:
    try:
        labels = installation.api.get("api", "v1", "namespaces", namespace)["metadata"]["labels"]
    except Refused:  # then try
        labels = {}
    left_out = {*EXCLUDED, installation.names.namespace}
    return labels.get(ADMISSION_LABEL) == DISABLED or namespace in left_out


def _judged(
    installation: Installation, webhook: str, body: Json, segments: tuple[str, ...]
) -> Finding:
    where = f"{body['kind']} in {installation.names.probe_namespace}"
    try:
        answer = installation.api.dry_run(body, *segments)
    except Forbidden:
        raise
    except Refused as refusal:
        if _FAILED.search(str(refusal)):
            return error(f"the API server does not reach {webhook}: {refusal}", _look(installation))
        return warning(
            f"a dry run of a {where} was refused: {refusal}",
            "name a namespace that accepts pods with --probe-namespace",
        )
    ours = [text for text in answer.warnings if UNKNOWN_ANNOTATION in text]
    if any(probe.ANNOTATION in text for text in ours):
        return ok(f"a dry run of a {where} came back with the warning of {webhook}")
    return error(
        f"a dry run of a {where} came back without the warning of {webhook}: the API server does "
        "not call it, or gets no answer",
        _look(installation),
    )


def _look(installation: Installation) -> str:
    called = installation.called
    return (
        "fix what the other checks found; then make sure that the namespace is not left out, and "
        "that no NetworkPolicy and no firewall blocks the API server from port 8443 of the "
        f"replicas; {kubectl('logs', '-n', called.namespace, f'service/{called.name}')}"
    )


CHECK: Final = Check(
    name="reachability",
    looks_at="whether the API server reaches both webhooks: dry runs in --probe-namespace must "
    "return their warnings",
    may=("create pods", "create deployments.apps"),
    run=_run,
)
