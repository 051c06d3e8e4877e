"""Rule allowedModels."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from msgspec import Meta

from webhook.admission import codes
from webhook.admission.policy.rules.rule import SET, ModelGlob, Rule
from webhook.admission.policy.rules.subject import Asking, fits
from webhook.values.text import quoted

_SHOWN: Final = 8


class AllowedModels(Rule, frozen=True):
    """Refuses a model that no pattern names, or that is not in the catalogue."""

    name = "allowedModels"
    code = codes.RULE_MODEL
    validations = (
        (
            "has(self.models) || (has(self.catalogued) && self.catalogued)",
            "needs models, or catalogued: true",
        ),
    )

    models: Annotated[
        tuple[ModelGlob, ...],
        Meta(
            description="org/name or URI, with * and ?. Neither a revision nor the name of a "
            "CachedModel is part of it.",
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

    def asked(self, pod: Asking) -> Iterator[str]:
        """Yield a finding for each model that no pattern matches, or that is not catalogued."""
        for model in pod.request.models:
            names = {model.name, model.source.uri}
            if self.models and not any(fits(name, self.models) for name in names):
                yield (
                    f"{quoted(model.asked)} is not allowed: use a model of "
                    f"{', '.join(self.models[:_SHOWN])}{' …' * (len(self.models) > _SHOWN)}"
                )
            elif self.catalogued and model.entry is None:
                yield (
                    f"{quoted(model.asked)} is not in the catalogue: use a model that is, or ask "
                    "the platform team for a CachedModel"
                )
