"""Rule servedFromCache."""

from webhook.admission.policy.rules.rule import Rule


class ServedFromCache(Rule, frozen=True):
    """Refuses a container that would still download an annotated model, or names it nowhere."""

    name = "servedFromCache"
    code = "MC041"
