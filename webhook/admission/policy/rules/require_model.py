"""Rule requireModel."""

from typing import Annotated, Literal

from msgspec import Meta

from webhook.admission.policy.rules.rule import Rule


class RequireModel(Rule, frozen=True):
    """Refuses an inference pod that names no model and would download one when it starts."""

    name = "requireModel"
    code = "MC040"

    detect: Annotated[
        Literal["servers", "accelerators", "either"],
        Meta(
            description="What makes a pod an inference pod: the image of a known server, a "
            "container that requests an accelerator, or either of them."
        ),
    ] = "servers"
