"""Run all checks, in the order in which a person would go."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from webhook.api_server.errors import Forbidden, Refused, Unreachable
from webhook.doctor import (
    certificate,
    clock,
    deployment,
    facts,
    gates,
    later_webhooks,
    namespaces,
    policies,
    reachability,
    registration,
    replicas,
    rules,
    server,
    service,
)
from webhook.doctor.check import ANYBODY_MAY, Check
from webhook.doctor.finding import Finding, error, warning
from webhook.doctor.installation import Installation

CHECKS: Final = (
    server.CHECK, clock.CHECK, registration.CHECK, service.CHECK, deployment.CHECK, replicas.CHECK,
    facts.CHECK, certificate.CHECK, reachability.CHECK, policies.CHECK, rules.CHECK, gates.CHECK,
    namespaces.CHECK, later_webhooks.CHECK,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and the name of its check."""

    check: str
    finding: Finding
    looked: bool = True
    """False if a right was missing."""


def diagnosis(installation: Installation, begins: Callable[[Check], None]) -> Iterator[Found]:
    """Yield what is found, and call *begins* before each check.

    Unreachable if there is no API server, or if it does not say its version.
    """
    try:
        _ = installation.version
    except Refused as refusal:
        raise Unreachable(str(refusal)) from refusal
    for check in CHECKS:
        begins(check)
        yield from _findings(check, installation)


def looked(found: Sequence[Found]) -> bool:
    """Return whether any check was made that needs a right which not everybody has."""
    open_to_all = {check.name for check in CHECKS if check.may == (ANYBODY_MAY,)}
    return any(one.looked for one in found if one.check not in open_to_all)


def _findings(check: Check, installation: Installation) -> Iterator[Found]:
    try:
        for finding in check.run(installation):
            yield Found(check.name, finding)
    except Forbidden as refusal:
        fix = f"run doctor as a user who may {', '.join(check.may)}"
        yield Found(check.name, warning(f"not looked at: {refusal}", fix), looked=False)
    except Refused as refusal:
        yield Found(check.name, error(f"the API server refused: {refusal}", "fix what it says"))
    except Unreachable as fault:
        yield Found(
            check.name, error(f"the API server did not answer: {fault}", "run doctor again")
        )
