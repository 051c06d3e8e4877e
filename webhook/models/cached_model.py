"""Read a CachedModel document: what the platform team says about one model."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from webhook.models.layout import DEFAULT_REVISION
from webhook.models.model_document import (
    LONGEST_NAME,
    ModelDocument,
    ModelFiles,
    ModelStatus,
    SecretKey,
)
from webhook.models.source import Source, parse_source
from webhook.values.constraints import broken
from webhook.values.lenient import known_part
from webhook.values.paths import relative_path
from webhook.values.quantity import Quantity
from webhook.values.readers import digest_reference, object_name, size
from webhook.values.shape import faults
from webhook.values.text import quoted


class CachedModel(msgspec.Struct, frozen=True):
    """An entry of the catalogue."""

    name: str
    source: Source
    directory: str | None = None
    file: str | None = None
    """The one file in it that a server is pointed at."""
    size: Quantity | None = None
    image: str | None = None
    strategies: tuple[str, ...] = ()
    files: ModelFiles = ModelFiles()
    token: SecretKey | None = None
    loading: str | None = None
    """Why no store holds it yet, in words; None: one does, or it is not known."""
    floating: str = DEFAULT_REVISION
    """The branch or tag that its revision was found by."""
    formats: tuple[str, ...] | None = None
    """What a loader found; None: nobody has looked."""
    resolved: bool = False
    """Whether a loader has found its revision."""

    def is_of(self, source: Source) -> bool:
        """Whether *source* means this entry: the same model, at one of the entry's revisions."""
        return self.source.revision is None or source.revision in (
            None,
            self.source.revision,
            self.floating,
        )


def _files(files: ModelFiles, file: str | None) -> ModelFiles:
    """Return which files are stored: those of a GGUF *file* if nobody has named others.

    By default a loader takes safetensors, so it would leave out what the server is pointed at.
    """
    if not file or files.allow or not file.lower().endswith(".gguf"):
        return files
    shards = re.sub(r"-\d{5}-of-(\d{5})(?=\.)", r"-*-of-\1", file)
    return ModelFiles(allow=(shards, "*.json", "*.jinja"), ignore=files.ignore)


READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "source": parse_source,
    "directory": relative_path,
    "file": relative_path,
    "size": size,
    "image": digest_reference,
}
"""Field of spec → what reads its text."""


def known_fields(document: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a document without the fields that this version doesn't know, and their places.

    The schema of a cluster may be newer than we are.
    """
    return known_part(document, ModelDocument)


def cached_model(document: dict[str, Any], strategies: Collection[str]) -> CachedModel:
    """Return the entry of a CachedModel document. Raises ValueError with every fault.

    *strategies*: the names of all strategies.
    """
    whole, problems = _converted(document)
    values: dict[str, Any] = {}
    for where, read, text in _texts(document):
        try:
            values[where] = read(text)
        except ValueError as error:
            problems.append(f"{where}: {error}")
    if isinstance(spec := document.get("spec"), dict):
        problems += _faults_of_strategies(spec.get("strategies"), strategies)
    if whole is None or problems:
        raise ValueError("; ".join(problems))
    return _entry(whole, values)


def _converted(document: dict[str, Any]) -> tuple[ModelDocument | None, list[str]]:
    """Return the document as a struct, or None and why it can't be one.

    Looking for faults takes several times as long, and a cluster has thousands of models.
    """
    try:
        whole = msgspec.convert(document, ModelDocument)
    except msgspec.ValidationError as error:
        found = (*faults(document, ModelDocument), *broken(document, ModelDocument))
        return None, [f"{fault.where}: {fault.what}" for fault in found] or [str(error)]
    if not whole.spec.token_secret_ref:
        return whole, []
    # msgspec lets a line break pass behind a pattern.
    wrong = broken(document, ModelDocument)
    return whole, [f"{fault.where}: {fault.what}" for fault in wrong]


def _texts(
    document: Mapping[str, object],
) -> Iterator[tuple[str, Callable[[str], object], str]]:
    """Yield place, reader and text of each field whose text has a form of its own."""
    rows: list[tuple[str, str, Callable[[str], object]]] = [
        ("metadata", "name", _model_name),
        *(("spec", field, read) for field, read in READERS.items()),
    ]
    for part, field, read in rows:
        content = document.get(part)
        value = content.get(field) if isinstance(content, dict) else None
        if isinstance(value, str) or (field == "size" and type(value) is int):
            yield f"{part}.{field}", read, str(value)


def _model_name(text: str) -> str:
    if len(text) > LONGEST_NAME:
        raise ValueError(f"is longer than {LONGEST_NAME} characters")
    return object_name(text)


def _faults_of_strategies(given: Any, known: Collection[str]) -> Iterator[str]:  # noqa: ANN401
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    for name in names:
        if name not in known:
            yield f"spec.strategies: {quoted(name)} is not one of {', '.join(known)}"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"spec.strategies: {quoted(name)} occurs twice: remove one"


_HELD: Final = frozenset(("Ready", "Partial", "Stale"))
"""States of a store that holds the model, be it on some nodes or at an older revision."""
_WORDS: Final = 80
"""Characters of a condition in a message."""


def _loading(status: ModelStatus) -> str | None:
    """Return why no store holds the model yet, in words; None: one does, or it is not known."""
    for condition in status.conditions:
        if condition.type == "Ready" and condition.status == "False":
            # The reason is the state of the worst store.
            states = {condition.reason, *(store.state for store in status.stores)}
            words = ", ".join(filter(None, (condition.reason, condition.message)))
            return None if states & _HELD else words[:_WORDS]
    return None


def _entry(document: ModelDocument, values: Mapping[str, Any]) -> CachedModel:
    spec, status = document.spec, document.status or ModelStatus()
    source: Source = values["spec.source"]
    floating = source.revision or DEFAULT_REVISION
    if status.revision:
        source = replace(source, revision=status.revision)
    file = values.get("spec.file")
    return CachedModel(
        name=document.metadata.name,
        source=source,
        directory=values.get("spec.directory"),
        file=file,
        size=Quantity(status.bytes) if status.bytes else values.get("spec.size"),
        image=values.get("spec.image"),
        strategies=spec.strategies,
        files=_files(spec.files, file),
        token=spec.token_secret_ref,
        loading=_loading(status),
        floating=floating,
        formats=status.formats,
        resolved=status.revision is not None,
    )
