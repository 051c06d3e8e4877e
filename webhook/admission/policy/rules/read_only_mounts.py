"""Rule readOnlyMounts."""

from typing import Annotated

from msgspec import Meta

from webhook.admission.policy.rules.rule import SET, Name, Rule, Writers


class ReadOnlyMounts(Rule, frozen=True):
    """Refuses mounts through which a container could write to a model volume, in every pod."""

    name = "readOnlyMounts"
    code = "MC034"

    claims: Annotated[
        tuple[Name, ...],
        Meta(
            description="Claims that are model volumes wherever they are mounted, next to that of "
            "spec.defaults.",
            max_length=32,
            extra_json_schema=SET,
        ),
    ] = ("model-store",)
    writers: Writers = ("modelcache-loader",)
