"""Rule sharedClaims."""

from webhook.admission.policy.rules.rule import Rule


class SharedClaims(Rule, frozen=True):
    """Refuses claims of one node where several pods need them."""

    name = "sharedClaims"
    code = "MC039"
