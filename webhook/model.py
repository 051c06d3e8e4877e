"""The models a pod asks for, with everything that is known of each.

What an annotation says goes before the catalogue; with several models, the
annotations that belong to one model are lists in the order of the models.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from webhook import codes, store
from webhook.annotations import PREFIX
from webhook.catalogue import CachedModel, Catalogue
from webhook.decision import Problem, quoted
from webhook.quantity import MI, Quantity
from webhook.source import Source, parse_source
from webhook.values import object_name

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model, resolved."""

    asked: str
    """As the annotation names it."""
    source: Source
    directory: str
    """Below the root of the store."""
    laid_by_us: bool
    """Whether the directory is of the store's layout, so that nodes bear its label."""
    size: Quantity | None = None
    image: str | None = None
    image_directory: str | None = None
    """Below the root of the image."""
    offered: tuple[str, ...] = ()
    """The strategies that the catalogue allows; empty: all."""
    mount_path: str | None = None

    @property
    def label(self) -> str | None:
        """The label of nodes that hold it; None if its commit is not known here."""
        if self.laid_by_us and self.source.repository and self.source.commit:
            return store.node_label(self.source.repository, self.source.commit)
        return None


def _resolved(text: str, catalogue: Catalogue) -> tuple[Source, CachedModel | None]:
    if "/" not in text:
        name, at, revision = text.partition("@")
        if at:
            raise ValueError(
                f"{quoted(text)}: a catalogue name has no @{quoted(revision)[1:-1]}; "
                "write org/name@revision"
            )
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
) -> tuple[tuple[Model, ...], list[Problem]]:
    """Return the models in their order, each once, and every problem met."""
    problems: list[Problem] = []
    for name, entries in (
        ("directory", directories), ("size", sizes), ("image", images), ("mount-path", mount_paths),
    ):  # fmt: skip
        if entries and len(entries) != len(asked):
            problems.append(
                Problem(
                    codes.LIST,
                    PREFIX + name,
                    f"has {len(entries)} entries for {len(asked)} models: "
                    "give one for each, in the order of modelcache.io/model",
                )
            )
    if problems:
        return (), problems
    models: list[Model] = []
    for i, text in enumerate(asked):
        try:
            source, entry = _resolved(text, catalogue)
        except ValueError as error:
            problems.append(Problem(codes.MODEL, PREFIX + "model", str(error)))
            continue
        known = entry.size if entry else None
        size = sizes[i] if sizes else known
        if size is not None and known is not None and size < known:
            problems.append(
                Problem(
                    codes.SIZE,
                    PREFIX + "size",
                    f"{size} is less than the {known.up_to(MI)} that {quoted(text)} has: "
                    "leave it out, or give at least that",
                )
            )
        directory = directories[i] if directories else entry.directory if entry else None
        image = images[i] if images else None
        model = Model(
            asked=text,
            source=source,
            directory=directory
            or f"{source.folder}/{(source.revision or store.DEFAULT_REVISION).replace(':', '-')}",
            laid_by_us=directory is None,
            size=size,
            image=image or (entry.image if entry else None),
            image_directory=directory,
            offered=entry.strategies if entry else (),
            mount_path=mount_paths[i] if mount_paths else None,
        )
        if not any(replace(other, asked=text) == model for other in models):
            models.append(model)
    return tuple(models), problems
