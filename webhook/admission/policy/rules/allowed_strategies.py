"""Rule allowedStrategies."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from msgspec import Meta

from webhook.admission import codes
from webhook.admission.policy.rules.rule import SET, Rule
from webhook.admission.policy.rules.subject import Asking


class AllowedStrategies(Rule, frozen=True):
    """Refuses any strategy that is not listed."""

    name = "allowedStrategies"
    code = codes.RULE_STRATEGY
    by_strategy = True
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

    def asked(self, pod: Asking) -> Iterator[str]:
        """Yield a finding if the strategy is not listed."""
        if pod.strategy and pod.strategy.name not in self.strategies:
            who = pod.said("strategy")
            yield (
                f"strategy {pod.strategy.name}{who} is not allowed: use "
                f"{' or '.join(self.strategies)}"
            )
