"""Owns documents.yaml: documents that the API server and the reader of files judge."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_CONTENT: Final = yaml.safe_load((Path(__file__).parent / "documents.yaml").read_text())
ACCEPTED: Final = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One document, and how it is judged."""

    kind: str
    tried: str
    document: dict[str, Any]
    field: str
    """The field that a refusal names; empty if it is accepted."""
    accepts: str = ""
    """Of the rows that differ: the one that accepts it, server or reader."""

    @property
    def id(self) -> str:
        """The name of a test."""
        return f"{self.kind}: {self.tried}"


def _row(
    kind: str, wanted: str, tried: str, spec: Any, name: str = "tried", accepts: str = ""
) -> Row:
    document = {
        "apiVersion": "modelcache.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
    field = "" if wanted == ACCEPTED else wanted
    return Row(kind=kind, tried=tried, document=document, field=field, accepts=accepts)


ROWS: Final = [
    _row(kind, *row) for kind in ("CachedModel", "CachePolicy") for row in _CONTENT[kind]
]
DIFFERENT: Final = [
    _row(kind, field, tried, spec, accepts=accepts)
    for accepts, tried, kind, spec, field in _CONTENT["differs"]
]
