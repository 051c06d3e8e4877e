"""The CustomResourceDefinition of CachedModel."""

from typing import Final

from webhook.admission.policy.documents import MODELS
from webhook.admission.strategies import STRATEGIES
from webhook.custom_resources.definition import ACCEPTED, MESSAGE, STATUS, Column, Resource
from webhook.custom_resources.forms import form
from webhook.custom_resources.schema import VALIDATIONS, must, schema_of
from webhook.models.cached_model import READERS
from webhook.models.model_document import LONGEST_NAME, ModelSpec, ModelStatus
from webhook.models.schemes import HF, REMOTE
from webhook.objects.json import Json

_COLUMNS: Final = (
    Column(name="Source", path=".spec.source"),
    Column(name="Size", path=".spec.size"),
    ACCEPTED,
    Column(name="Strategies", path=".spec.strategies", wide=True),
    Column(name="Directory", path=".spec.directory", wide=True),
    MESSAGE,
)


def cached_models() -> Resource:
    """Return the kind CachedModel."""
    return Resource(
        kind="CachedModel",
        plural=MODELS,
        short="cmodel",
        meaning=(
            "A model that the platform offers under a name. Pods request it with the annotation "
            "modelcache.io/model, by that name or by its source."
        ),
        columns=_COLUMNS,
        longest_name=LONGEST_NAME,
        spec=_spec(),
        status=_status(),
    )


def _status() -> Json:
    status = schema_of(ModelStatus)
    fields = status["properties"]
    # Of a condition we read a part, and write all that Kubernetes' own have.
    meaning = fields["conditions"]["description"]
    fields["conditions"] = {**STATUS["conditions"], "description": meaning}
    fields["stores"] |= {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }
    return {**status, "properties": {**STATUS, **fields}}


def _spec() -> Json:
    spec = schema_of(ModelSpec)
    fields = spec["properties"]
    for name, read in READERS.items():
        added = form(read)
        if name == "size":  # a number of bytes too
            added.pop("type")
            [check] = added[VALIDATIONS]
            rule = f"type(self) == int ? self > 0 : {check['rule']}"
            added[VALIDATIONS] = [must(rule, check["message"])]
        fields[name] |= added
    fields["source"][VALIDATIONS].append(
        must(
            _same_model(),
            "the model can't become another one: create another CachedModel. Only the revision "
            "after @ can change",
        )
    )
    # Their order has a meaning, so server-side apply must not merge the lists of two owners.
    fields["strategies"] |= {
        "items": {"type": "string", "enum": [*STRATEGIES]},
        "x-kubernetes-list-type": "atomic",
        VALIDATIONS: [
            must("self.all(one, self.exists_one(other, other == one))", "has a strategy twice")
        ],
    }
    return spec


def _same_model() -> str:
    """Return CEL: whether the source means the model that it meant before (Source.identity)."""
    fixed = "|".join(one.name for one in REMOTE.values() if one is not HF and not one.digests)
    whole = f"self.matches(r'^(?:{fixed})://')"

    def model(text: str) -> str:
        return f"{text}.split('@')[0].replace('{HF.name}://', '')"

    return f"{whole} ? self == oldSelf : {model('self')} == {model('oldSelf')}"
