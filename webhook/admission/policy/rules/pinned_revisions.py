"""Rule pinnedRevisions."""

from webhook.admission.policy.rules.rule import Rule


class PinnedRevisions(Rule, frozen=True):
    """Refuses a revision that can move, such as main, and an artifact without its digest."""

    name = "pinnedRevisions"
    code = "MC036"
