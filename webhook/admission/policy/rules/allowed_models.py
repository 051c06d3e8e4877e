"""Rule allowedModels."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from msgspec import Meta

from webhook.admission.policy.rules.rule import SET, ModelGlob, Rule


class AllowedModels(Rule, frozen=True):
    """Refuses a model that no pattern names, or that is not in the catalogue."""

    name = "allowedModels"
    code = "MC032"
    validations = (
        (
            "has(self.models) || (has(self.catalogued) && self.catalogued)",
            "needs models, or catalogued: true",
        ),
    )

    models: Annotated[
        tuple[ModelGlob, ...],
        Meta(
            description="org/name or URI, with * and ?. A revision is not part of it.",
            min_length=1,
            max_length=256,
            extra_json_schema=SET,
        ),
    ] = ()
    catalogued: Annotated[
        bool,
        Meta(description="Only models that a CachedModel or the built-in catalogue names."),
    ] = False

    def faults(self, defaults: Mapping[str, str]) -> Iterator[str]:  # noqa: ARG002
        """Yield a fault if it has neither of its two parameters."""
        if not self.models and not self.catalogued:
            yield f"rules.{self.name}: {self.validations[0][1]}"
