"""Read the objects in files of documents; a List gives its items."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from webhook.documents.document import Document
from webhook.documents.files import read_documents
from webhook.documents.parse import parse
from webhook.documents.plain import plain


def objects_of(content: Any) -> list[Any] | None:  # noqa: ANN401  # any YAML value
    """Return the items of a List; None if *content* is not a List."""
    if isinstance(content, dict) and str(content.get("kind", "")).endswith("List"):
        items = content.get("items") or []
        if isinstance(items, list):
            return items
    return None


def read_objects(paths: Iterable[Path]) -> list[tuple[str, Any]]:
    """Return (place, object) of each document or item of a List; ValueError names every fault."""
    found: list[tuple[str, Any]] = []
    faults = []
    for document in read_documents(paths):
        try:
            content = parse(document)
            if content is not None:
                content = _plain_at(document, content)
        except ValueError as error:
            faults.append(str(error))
            continue
        items = objects_of(content)
        if items is not None:
            found += [(f"{document.at()}, item {i}", item) for i, item in enumerate(items, 1)]
        elif content is not None:
            found.append((document.at(), content))
    if faults:
        raise ValueError("\n".join(faults))
    return found


def _plain_at(document: Document, content: Any) -> Any:  # noqa: ANN401  # any YAML value
    try:
        return plain(content)
    except ValueError as error:
        raise ValueError(f"{document.at()}: {error}") from error
