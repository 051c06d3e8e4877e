"""Read a CachedModel document: what the platform team says about one model."""

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import msgspec

from webhook.models.layout import DEFAULT_REVISION
from webhook.models.source import Source, parse_revision, parse_source
from webhook.values.paths import relative_path
from webhook.values.quantity import Quantity
from webhook.values.readers import image_reference, size
from webhook.values.text import quoted


class _Strict(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A document whose unknown fields are errors."""


class ModelFiles(_Strict, frozen=True):
    """Which files of the source are stored, as patterns."""

    allow: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class SecretKey(_Strict, frozen=True):
    """The key of a Secret with the token of a loader. It is never read here."""

    name: str
    key: str = "token"
    namespace: str | None = None


class ModelSpec(_Strict, frozen=True):
    """What the platform team says about a model."""

    source: str
    directory: str | None = None
    files: ModelFiles = ModelFiles()
    file: str | None = None
    size: str | int | None = None
    image: str | None = None
    token_secret_ref: SecretKey | None = None
    strategies: tuple[str, ...] = ()


class ModelStatus(msgspec.Struct, frozen=True, rename="camel"):
    """What a controller found out about a model. Other fields are not read."""

    revision: str | None = None
    bytes: int | None = None


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
    floating: str = DEFAULT_REVISION
    """The branch or tag that its revision was found by."""

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


def cached_model(document: dict[str, Any], strategies: Collection[str]) -> CachedModel:
    """Return the entry of a CachedModel document. Raises ValueError with every fault.

    *strategies*: the names of all strategies.
    """
    name = str((document.get("metadata") or {}).get("name") or "")
    if not name:
        raise ValueError("metadata.name: is missing")
    spec = msgspec.convert(document.get("spec"), ModelSpec)
    status = msgspec.convert(document.get("status") or {}, ModelStatus)
    problems = []

    def checked(field: str, read: Any, value: Any) -> Any:  # noqa: ANN401  # any of three fields
        try:
            return None if value is None else read(value)
        except ValueError as error:
            problems.append(f"spec.{field}: {error}")
            return None

    source = checked("source", parse_source, spec.source)
    entry = {
        "directory": checked("directory", relative_path, spec.directory),
        "file": checked("file", relative_path, spec.file),
        "size": checked("size", size, None if spec.size is None else str(spec.size)),
        "image": checked("image", image_reference, spec.image),
    }
    for strategy in spec.strategies:
        if strategy not in strategies:
            problems.append(
                f"spec.strategies: {quoted(strategy)} is not one of {', '.join(strategies)}"
            )
    if problems:
        raise ValueError("; ".join(problems))
    floating = source.revision or DEFAULT_REVISION
    if status.revision:
        source = replace(source, revision=parse_revision(status.revision))
    if status.bytes:
        entry["size"] = Quantity(status.bytes)
    return CachedModel(
        name=name,
        source=source,
        strategies=spec.strategies,
        files=_files(spec.files, entry["file"]),
        token=spec.token_secret_ref,
        floating=floating,
        **entry,
    )
