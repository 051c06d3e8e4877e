"""Find the models that the annotations of a pod name, with the catalogue.

An annotation wins over the catalogue. If a pod has several models, the annotations that
belong to one model are lists, in the order of the models.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from webhook.admission import codes
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.model import Model
from webhook.models import layout
from webhook.models.cached_model import CachedModel
from webhook.models.catalogue import Catalogue, UnreadError
from webhook.models.model_document import ModelFiles
from webhook.models.source import Source, parse_source
from webhook.values.quantity import MI, Quantity
from webhook.values.readers import object_name
from webhook.values.text import quoted

_OF_OLLAMA: Final = re.compile(r"[\w.-]{1,80}:[\w.-]{1,80}", re.ASCII)
"""A model as `ollama pull` names it."""


def resolved(text: str, catalogue: Catalogue) -> tuple[Source, CachedModel | None]:
    """Return the source that *text* names, and its entry in the catalogue.

    Raises ValueError if *text* names no model.
    """
    if "/" not in text:
        name, at, revision = text.partition("@")
        if at:
            raise ValueError(
                f"{quoted(text)}: a catalogue name has no @{quoted(revision)[1:-1]}; "
                "write org/name@revision"
            )
        if _OF_OLLAMA.fullmatch(text):
            raise ValueError(f"{quoted(text)}: a model of Ollama is ollama://library/{text}")
        named = catalogue.named(object_name(name) if name.islower() else name)
        return named.source, named
    source = parse_source(text)
    entry = catalogue.of(source)
    if entry and source.revision in (None, entry.floating) and entry.source.revision:
        source = entry.source
    return source, entry


def resolve(
    asked: Sequence[str],
    catalogue: Catalogue,
    *,
    directories: Sequence[str] = (),
    sizes: Sequence[Quantity] = (),
    images: Sequence[str] = (),
    mount_paths: Sequence[str] = (),
    files: Sequence[str] = (),
) -> tuple[tuple[Model, ...], list[Problem]]:
    """Return the models in their order, without repetition, and every problem."""
    problems: list[Problem] = []
    for name, entries in (
        ("directory", directories), ("size", sizes), ("image", images), ("mount-path", mount_paths),
        ("file", files),
    ):  # fmt: skip
        if entries and len(entries) != len(asked):
            problems.append(
                Problem(
                    codes.LIST,
                    PREFIX + name,
                    f"has {len(entries)} entries for {len(asked)} models: "
                    "give one per model, in the order of modelcache.io/model",
                )
            )
    if problems:
        return (), problems
    models: list[Model] = []
    for i, text in enumerate(asked):
        try:
            source, entry = resolved(text, catalogue)
        except ValueError as error:
            code = codes.UNSEEN if isinstance(error, UnreadError) else codes.MODEL
            problems.append(Problem(code, PREFIX + "model", str(error)))
            continue
        known = entry.size if entry else None
        size = sizes[i] if sizes else known
        if size is not None and known is not None and size < known:
            problems.append(
                Problem(
                    codes.SIZE,
                    PREFIX + "size",
                    f"{size} is less than the {known.up_to(MI)} that {quoted(text)} has: "
                    "remove the annotation, or give at least that size",
                )
            )
        revision = layout.revision_folder(source.revision or layout.DEFAULT_REVISION)
        directory = directories[i] if directories else entry.directory if entry else None
        image = images[i] if images else None
        loading = None
        if entry and entry.loading:
            loading = f"{entry.loading} (kubectl describe cachedmodel {entry.name})"
        model = Model(
            asked=text,
            source=source,
            directory=directory or f"{source.folder}/{revision}",
            laid_by_us=directory is None,
            size=size,
            image=image or (entry.image if entry else None),
            image_directory=directory,
            offered=entry.strategies if entry else (),
            mount_path=mount_paths[i] if mount_paths else None,
            file=files[i] if files else entry.file if entry else None,
            files=entry.files if entry else ModelFiles(),
            loading=loading,
            token=entry.token if entry else None,
            entry=entry,
        )
        if not any(replace(other, asked=text) == model for other in models):
            models.append(model)
    return tuple(models), problems
