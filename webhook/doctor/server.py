"""Check the API server: that it answers, and that it is new enough."""

from collections.abc import Iterator
from typing import Final

from webhook.doctor.check import ANYBODY_MAY, Check
from webhook.doctor.finding import Finding, error, ok, warning
from webhook.doctor.installation import Installation

_OPTIONAL: Final = (1, 29)  # CEL's optional values, which our matchConditions use
_POLICIES: Final = (1, 30)  # KEP-3488 and KEP-3716, stable


def _run(installation: Installation) -> Iterator[Finding]:
    version = f"Kubernetes {installation.version.json()['gitVersion']}"
    seen = f"{version} at {installation.api.address}"
    if installation.minor < _OPTIONAL:
        yield error(
            f"{seen}: it can't compile the matchConditions of the registration",
            "upgrade the API server to 1.30 or later",
        )
    elif installation.minor < _POLICIES:
        yield warning(
            f"{seen}: ValidatingAdmissionPolicies are not stable before 1.30",
            "upgrade it to 1.30 or later, or use failurePolicy Fail",
        )
    else:
        yield ok(seen)


CHECK: Final = Check(
    name="server",
    looks_at="whether the API server answers, and is new enough for our matchConditions (1.29) and "
    "ValidatingAdmissionPolicies (1.30)",
    may=(ANYBODY_MAY,),
    run=_run,
)
