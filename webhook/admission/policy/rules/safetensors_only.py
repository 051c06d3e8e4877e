"""Rule safetensorsOnly."""

from collections.abc import Iterator

from webhook.admission import codes
from webhook.admission.policy.rules.rule import Rule
from webhook.admission.policy.rules.subject import Asking
from webhook.models.formats import may_be_pickle
from webhook.values.text import quoted


class SafetensorsOnly(Rule, frozen=True):
    """Refuses models whose files can be pickles, which run code when they are read."""

    name = "safetensorsOnly"
    code = codes.RULE_SAFETENSORS

    def asked(self, pod: Asking) -> Iterator[str]:
        """Yield a finding for each model whose files are known to be pickles, or may be."""
        for model in pod.request.models:
            if model.entry and model.entry.formats is not None:
                if "pickle" in model.entry.formats:
                    yield f"the store has pickles of {quoted(model.asked)}: use a model without"
            elif glob := may_be_pickle(model.files.allow, model.files.ignore):
                yield (
                    f"spec.files.allow of {quoted(model.asked)} has {quoted(glob)}, which pickles "
                    "match: allow *.safetensors"
                )
