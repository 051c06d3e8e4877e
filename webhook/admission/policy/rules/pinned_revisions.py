"""Rule pinnedRevisions."""

from collections.abc import Iterator

from webhook.admission import codes
from webhook.admission.policy.rules.rule import Rule
from webhook.admission.policy.rules.subject import Asking
from webhook.admission.request.model import Model
from webhook.models.schemes import REMOTE
from webhook.values.text import quoted


class PinnedRevisions(Rule, frozen=True):
    """Refuses a revision that can move, such as main, and an artifact without its digest."""

    name = "pinnedRevisions"
    code = codes.RULE_PINNED
    by_strategy = True

    def asked(self, pod: Asking) -> Iterator[str]:
        """Yield a finding for each model whose content can change."""
        if pod.strategy and pod.strategy.name == "image":
            return  # it is pinned by the digest of the image
        for model in pod.request.models:
            if not _is_pinned(model):
                yield f"{quoted(model.asked)} can change: {_remedy(model)}"


def _is_pinned(model: Model) -> bool:
    if model.source.repository or REMOTE[model.source.scheme].digests:
        return model.source.commit is not None
    return bool(model.entry and (model.entry.resolved or model.entry.directory))


def _remedy(model: Model) -> str:
    if model.source.repository:
        return f"write {model.name}@COMMIT, with the 40 digits of a commit"
    if REMOTE[model.source.scheme].digests:
        return "name the artifact by its digest, @sha256:…"
    return "use a CachedModel whose status.revision or spec.directory is set"
