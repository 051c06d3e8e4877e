"""Rule allowedStrategies."""

from typing import Annotated, Literal

from msgspec import Meta

from webhook.admission.policy.rules.rule import SET, Rule


class AllowedStrategies(Rule, frozen=True):
    """Refuses any strategy that is not listed."""

    name = "allowedStrategies"
    code = "MC031"

    strategies: Annotated[
        tuple[Literal["pvc", "hostPath", "emptyDir", "image"], ...],
        Meta(
            description="The strategies that pods may use.",
            min_length=1,
            max_length=4,
            extra_json_schema=SET,
        ),
    ]
