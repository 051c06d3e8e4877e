"""Read where variables of loaders come from: Secrets, ConfigMaps, and fields of the pod."""

from dataclasses import dataclass
from typing import Final, Self

from webhook.objects.json import Json
from webhook.rendering.readers import KEY, VARIABLE
from webhook.values.mistakes import Mistakes
from webhook.values.readers import object_name
from webhook.values.text import quoted

FIELDS: Final = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
    "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
"""What a variable may hold of its pod: kubernetes/kubernetes, pkg/apis/core/validation
(validEnvDownwardAPIFieldPathExpressions)."""
_OBJECTS: Final = {"secret": "secret", "configmap": "configMap"}
"""The word in an option, and how the API's fields begin."""
_FORMS: Final = (
    "NAME=secret/SECRET/KEY, NAME=configmap/CONFIGMAP/KEY, NAME=FIELD such as "
    "HOST_IP=status.hostIP, secret/SECRET or configmap/CONFIGMAP"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Variables whose values are not in the pod."""

    variables: tuple[Json, ...] = ()
    """Entries of `env`."""
    objects: tuple[Json, ...] = ()
    """Entries of `envFrom`: every key is a variable."""

    @property
    def names(self) -> frozenset[str]:
        """The names that other variables may use as $(NAME)."""
        return frozenset(one["name"] for one in self.variables)

    @classmethod
    def read(cls, option: str, texts: tuple[str, ...], mistakes: Mistakes) -> Self:
        """Return what *texts* of *option* name; what is malformed is added to *mistakes*."""
        found = mistakes.each(option, _entry, texts)
        return cls(
            variables=tuple(one for one in found if "name" in one),
            objects=tuple(one for one in found if "name" not in one),
        )


def _entry(text: str) -> Json:
    """Return an entry of `env` or of `envFrom`; ValueError says what to write."""
    name, equals, source = text.partition("=")
    if not equals:
        kind, _, of = text.partition("/")
        if kind not in _OBJECTS or not of:
            raise ValueError(f"{quoted(text)} is not one of {_FORMS}")
        return {f"{_OBJECTS[kind]}Ref": {"name": object_name(of)}}
    if not VARIABLE.fullmatch(name):
        raise ValueError(f"{quoted(name)} is not the name of a variable such as HOST_IP")
    return {"name": name, "valueFrom": _source(text, source)}


def _source(text: str, source: str) -> Json:
    if source in FIELDS:
        return {"fieldRef": {"fieldPath": source}}
    kind, _, rest = source.partition("/")
    of, slash, key = rest.partition("/")
    if kind not in _OBJECTS:
        raise ValueError(
            f"{quoted(text)} is not one of {_FORMS}; a FIELD is one of {', '.join(FIELDS)}"
        )
    if not slash or not KEY.fullmatch(key):
        raise ValueError(f"{quoted(text)} names no key: write {kind}/NAME/KEY")
    return {f"{_OBJECTS[kind]}KeyRef": {"name": object_name(of), "key": key}}
