"""Rule maxMemoryModel."""

from typing import Annotated

from msgspec import Meta

from webhook.admission.policy.rules.rule import Rule, Size


class MaxMemoryModel(Rule, frozen=True):
    """Refuses strategy emptyDir for models that are larger together."""

    name = "maxMemoryModel"
    code = "MC033"

    size: Annotated[Size, Meta(description="The most bytes of models in the memory of a pod.")]
