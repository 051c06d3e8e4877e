"""Find webhooks that change pods after ours, and so could undo what ours did."""

from collections.abc import Iterator
from typing import Final

from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, ok, warning
from webhook.doctor.installation import ADMISSION, Installation
from webhook.objects.json import Json


def _run(installation: Installation) -> Iterator[Finding]:
    ours = installation.names.configuration
    found = installation.api.items(*ADMISSION, "mutatingwebhookconfigurations")
    later = [
        f"{one['metadata']['name']} ({hook['name']})"
        for one in found
        if one["metadata"]["name"] > ours
        for hook in one.get("webhooks") or []
        if _sees_pods(hook)
    ]
    for name in later:
        yield warning(
            f"webhook {name} is called after ours, and may undo what ours added",
            f"give its configuration a name that sorts before {ours}, or make sure that it "
            "does not change volumes, mounts and memory",
        )
    if not later:
        yield ok("no other webhook changes pods after ours")


def _sees_pods(hook: Json) -> bool:
    """Whether the webhook is called when pods are created (admissionregistration/v1 Rule)."""
    return any(
        {"", "*"}.intersection(rule["apiGroups"])
        and {"CREATE", "*"}.intersection(rule["operations"])
        and {"pods", "*", "*/*"}.intersection(rule["resources"])
        for rule in hook.get("rules") or []
    )


CHECK: Final = Check(
    name="order",
    looks_at="webhooks that change pods and sort after ours",
    may=("list mutatingwebhookconfigurations",),
    run=_run,
)
