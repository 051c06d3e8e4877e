"""All checks, in the order in which a person would go."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from webhook.doctor import (
    certificate,
    clock,
    deployment,
    gates,
    namespaces,
    order,
    policies,
    reachability,
    registration,
    replicas,
    server,
    service,
)
from webhook.doctor.api import Forbidden, Refused
from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, error, warning
from webhook.doctor.installation import Installation
from webhook.kubernetes_api import Unreachable

CHECKS: Final = (
    server.CHECK, clock.CHECK, registration.CHECK, service.CHECK, deployment.CHECK, replicas.CHECK,
    certificate.CHECK, reachability.CHECK, policies.CHECK, gates.CHECK, namespaces.CHECK,
    order.CHECK,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and the check that it is of."""

    check: str
    finding: Finding


def diagnosis(installation: Installation, begins: Callable[[Check], None]) -> Iterator[Found]:
    """Yield what is found, telling *begins* of each check before; Unreachable if nobody answers."""
    _ = installation.version
    for check in CHECKS:
        begins(check)
        for finding in _findings(check, installation):
            yield Found(check.name, finding)


def _findings(check: Check, installation: Installation) -> Iterator[Finding]:
    try:
        yield from check.run(installation)
    except Forbidden as refusal:
        yield warning(
            f"not looked at: {refusal}",
            f"ask as somebody who may {', '.join(check.may)}",
        )
    except Refused as refusal:
        yield error(f"the API server refused: {refusal}", "mend what it says")
    except Unreachable as fault:
        yield error(f"the API server did not answer: {fault}", "ask again")
