"""Rule safetensorsOnly."""

from webhook.admission.policy.rules.rule import Rule


class SafetensorsOnly(Rule, frozen=True):
    """Refuses models whose files can be pickles, which run code when they are read."""

    name = "safetensorsOnly"
    code = "MC037"
