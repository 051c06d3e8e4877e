"""What the definitions of both kinds have: names, columns, status, conditions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from webhook.objects.json import Json

GROUP: Final = "modelcache.io"
VERSION: Final = "v1alpha1"
CATEGORY: Final = "modelcache"
"""`kubectl get modelcache` shows the objects of both kinds."""
_CONDITION: Final[Json] = {
    "type": {
        "type": "string",
        "maxLength": 64,
        "description": "What it is about. Accepted: whether the webhook can use the object.",
    },
    "status": {
        "type": "string",
        "enum": ["True", "False", "Unknown"],
        "description": "Whether the condition holds.",
    },
    "reason": {
        "type": "string",
        "minLength": 1,
        "maxLength": 64,
        "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        "description": "Why, in one word.",
    },
    "message": {
        "type": "string",
        "maxLength": 1024,
        "description": "Why, for people.",
    },
    "observedGeneration": {
        "type": "integer",
        "minimum": 0,
        "description": "The generation of the object that it is about.",
    },
    "lastTransitionTime": {
        "type": "string",
        "maxLength": 64,
        "description": "When its status last changed.",
    },
}
"""The fields of metav1.Condition."""
STATUS: Final[Json] = {
    "observedGeneration": {
        "type": "integer",
        "minimum": 0,
        "description": "The generation of the object that the status is about.",
    },
    "conditions": {
        "type": "array",
        "description": "What was found about the object, each with its reason.",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "description": "One finding about the object.",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": _CONDITION,
        },
    },
}
"""What the status of both kinds has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of `kubectl get`."""

    name: str
    path: str
    """Its JSONPath."""
    type: str = "string"
    wide: bool = False
    """Whether only `-o wide` shows it."""

    def written(self) -> Json:
        """Return it as a definition has it."""
        column: Json = {"name": self.name, "type": self.type, "jsonPath": self.path}
        return {**column, "priority": 1} if self.wide else column


ACCEPTED: Final = Column(name="Accepted", path='.status.conditions[?(@.type=="Accepted")].status')
MESSAGE: Final = Column(
    name="Message", path='.status.conditions[?(@.type=="Accepted")].message', wide=True
)
AGE: Final = Column(name="Age", type="date", path=".metadata.creationTimestamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of ours, as the API server is to know it."""

    kind: str
    plural: str
    short: str
    meaning: str
    """What such an object is, for `kubectl explain`."""
    columns: Sequence[Column]
    longest_name: int
    spec: Json
    status: Json

    def definition(self) -> Json:
        """Return its CustomResourceDefinition."""
        name = {"type": "string", "maxLength": self.longest_name}
        schema = {
            "type": "object",
            "description": self.meaning,
            "required": ["spec"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object", "properties": {"name": name}},
                "spec": self.spec,
                "status": self.status,
            },
        }
        version = {
            "name": VERSION,
            "served": True,
            "storage": True,
            "subresources": {"status": {}},
            "additionalPrinterColumns": [column.written() for column in (*self.columns, AGE)],
            "schema": {"openAPIV3Schema": schema},
        }
        names = {
            "kind": self.kind,
            "listKind": f"{self.kind}List",
            "plural": self.plural,
            "singular": self.kind.lower(),
            "shortNames": [self.short],
            "categories": [CATEGORY],
        }
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{self.plural}.{GROUP}"},
            "spec": {"group": GROUP, "scope": "Cluster", "names": names, "versions": [version]},
        }
