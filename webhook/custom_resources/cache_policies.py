"""The CustomResourceDefinition of CachePolicy."""

from typing import Final

from webhook.admission.policy.cache_policy import PolicySpec
from webhook.admission.policy.documents import POLICIES
from webhook.admission.policy.rules.catalogue import RULES
from webhook.admission.policy.rules.rule import Rule
from webhook.admission.reading import DECLARED
from webhook.admission.request.annotations import Annotation
from webhook.custom_resources.definition import ACCEPTED, MESSAGE, STATUS, Column, Resource
from webhook.custom_resources.forms import form
from webhook.custom_resources.schema import VALIDATIONS, must, schema_of
from webhook.objects.json import Json

_LONGEST_NAME: Final = 253
_COLUMNS: Final = (
    Column(name="Priority", type="integer", path=".spec.priority"),
    ACCEPTED,
    Column(name="Namespaces", path=".spec.namespaceSelector", wide=True),
    MESSAGE,
)
_WITH_VALUES: Final = (
    "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : "
    "!has(self.values) || size(self.values) == 0"
)


def cache_policies() -> Resource:
    """Return the kind CachePolicy."""
    return Resource(
        kind="CachePolicy",
        plural=POLICIES,
        short="cpolicy",
        meaning=(
            "What is allowed in some namespaces, and what is the default there. The rules of all "
            "policies that select a namespace hold. Of defaults, that of the policy with the "
            "highest priority holds."
        ),
        columns=_COLUMNS,
        longest_name=_LONGEST_NAME,
        spec=_spec(),
        status={
            "type": "object",
            "description": "What was found about the policy.",
            "properties": STATUS,
        },
    )


def _spec() -> Json:
    spec = schema_of(PolicySpec)
    fields = spec["properties"]
    fields["defaults"].pop("additionalProperties")
    fields["defaults"]["properties"] = {
        one.name: {**form(one.parse), "description": _meaning(one)}
        for one in DECLARED.values()
        if one.platform
    }
    fields["rules"].pop("additionalProperties")
    fields["rules"]["properties"] = {rule.name: _rule(rule) for rule in RULES}
    selector = fields["namespaceSelector"]
    selector["x-kubernetes-map-type"] = "atomic"
    requirement = selector["properties"]["matchExpressions"]["items"]
    requirement[VALIDATIONS] = [
        must(_WITH_VALUES, "In and NotIn need values; Exists and DoesNotExist have none")
    ]
    if checks := [check for rule in RULES for check in rule.spec_validations]:
        spec[VALIDATIONS] = [
            {**must(rule, message), "fieldPath": place} for rule, message, place in checks
        ]
    return spec


def _meaning(annotation: Annotation) -> str:
    """Return what the manual's table says of it, as plain text."""
    return f"{annotation.meaning} Default: {annotation.default}.".replace("`", "")


def _rule(rule: type[Rule]) -> Json:
    found = schema_of(rule)
    if rule.validations:
        found[VALIDATIONS] = [must(*check) for check in rule.validations]
    return found
