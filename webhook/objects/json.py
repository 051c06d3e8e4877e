"""The type of an object in JSON, as the API server sends it."""

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
