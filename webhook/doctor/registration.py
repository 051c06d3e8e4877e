"""Check the MutatingWebhookConfiguration: its entries, and their CA bundles."""

from collections.abc import Iterator
from typing import Final

from webhook.api_server.errors import Missing
from webhook.doctor.bundle import Lifetime, certificates
from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, error, ok, warning
from webhook.doctor.installation import WEBHOOKS, Installation

_APPLY: Final = "apply deploy/ again (kubectl apply -k deploy), or upgrade the chart's release"
_TRUST: Final = (
    "put the CA that signed the served certificate there; with serve --self-signed the webhook "
    "does that itself: see its log"
)


def _run(installation: Installation) -> Iterator[Finding]:
    name = installation.names.configuration
    try:
        there = [entry for entry in WEBHOOKS if installation.webhook(entry)]
    except Missing:
        yield error(
            f"MutatingWebhookConfiguration {name} does not exist: nothing is injected", _APPLY
        )
        return
    for entry in WEBHOOKS:
        if entry in there:
            yield _judged(installation, entry)
        else:
            yield error(f"{name} has no webhook {entry}", _APPLY)


def _judged(installation: Installation, entry: str) -> Finding:
    where = f"caBundle of {entry}"
    bundle = installation.bundle(entry)
    if not bundle.strip():
        return error(f"{where} is empty: the API server does not trust the webhook", _TRUST)
    found = [Lifetime.of(one) for one in certificates(bundle)]
    if not found:
        return error(f"{where} has no readable certificate", _TRUST)
    now = installation.now()
    valid = [one for one in found if not (one.expired(now) or one.pending(now))]
    if not valid:
        last = max(found, key=lambda one: one.ends)
        since = f"expired at {last.until}" if last.expired(now) else "is not valid yet"
        return error(f"{where}: {last.subject} {since}", _TRUST)
    lasting = max(valid, key=lambda one: one.ends)
    if lasting.ends_soon(now):
        return warning(f"{where}: {lasting.subject} expires at {lasting.until}", _TRUST)
    rest = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return ok(f"{where}: {lasting.subject} until {lasting.until}{rest}")


CHECK: Final = Check(
    name="registration",
    looks_at="the MutatingWebhookConfiguration: both webhooks exist, and each caBundle has a "
    "certificate that is valid and does not expire soon",
    may=("get mutatingwebhookconfigurations",),
    run=_run,
)
