"""What is read of the metadata of an object."""

import msgspec


class ObjectMeta(msgspec.Struct):
    """Name and version: a write says which version it replaces."""

    name: str = ""
    resourceVersion: str = ""  # noqa: N815  # the API's name
