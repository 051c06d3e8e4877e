"""The metadata of objects: names, annotations, owners (meta/v1)."""

import msgspec


class Object(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """The base of decoded objects: fields in camelCase, defaults left out when encoded."""


class Present(Object, frozen=True):
    """Something whose content is never read."""


class OwnerReference(Object, frozen=True):
    """The object that owns an object."""

    kind: str = ""
    name: str = ""
    controller: bool | None = None


class Metadata(Object, frozen=True):
    """The metadata of an object."""

    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    annotations: dict[str, str] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None
