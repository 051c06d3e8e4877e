"""Rule maxMemoryModel."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from webhook.admission import codes
from webhook.admission.policy.rules.rule import Rule, Size
from webhook.admission.policy.rules.subject import Asking
from webhook.values.quantity import Quantity


class MaxMemoryModel(Rule, frozen=True):
    """Refuses strategy emptyDir for models that are larger together."""

    name = "maxMemoryModel"
    code = codes.RULE_MEMORY
    by_strategy = True

    size: Annotated[Size, Meta(description="The most bytes of models in the memory of a pod.")]

    def asked(self, pod: Asking) -> Iterator[str]:
        """Yield a finding if the models together are larger, and are held in memory."""
        if not pod.strategy or not pod.strategy.filled_by_loader:
            return
        together = Quantity(sum(model.size or 0 for model in pod.request.models))
        allowed = Quantity.parse(self.size)
        if together > allowed:
            yield f"{together} of models in memory, allowed are {allowed}: use strategy pvc"
