"""Rule allowedStrategies."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from msgspec import Meta

from webhook.admission.policy.rules.rule import SET, Rule


class AllowedStrategies(Rule, frozen=True):
    """Refuses any strategy that is not listed."""

    name = "allowedStrategies"
    code = "MC031"
    spec_validations = (
        (
            (
                "!has(self.defaults) || !has(self.defaults.strategy) || self.defaults.strategy == "
                "'auto' || !has(self.rules) || !has(self.rules.allowedStrategies) || "
                "self.defaults.strategy in self.rules.allowedStrategies.strategies"
            ),
            "is not one of rules.allowedStrategies.strategies, so no pod could use its default",
            ".defaults.strategy",
        ),
    )

    strategies: Annotated[
        tuple[Literal["pvc", "hostPath", "emptyDir", "image"], ...],
        Meta(
            description="The strategies that pods may use.",
            min_length=1,
            max_length=4,
            extra_json_schema=SET,
        ),
    ]

    def faults(self, defaults: Mapping[str, str]) -> Iterator[str]:
        """Yield a fault if it refuses what the same policy makes the default."""
        if defaults.get("strategy", "auto") not in ("auto", *self.strategies):
            [(_, message, place)] = self.spec_validations
            yield f"{place.removeprefix('.')}: {message}"
