"""Decide about every document in some files, and report every mistake with its line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from webhook.admission.request.annotations import PREFIX
from webhook.documents.contents import objects_of
from webhook.documents.document import Document
from webhook.documents.files import read_documents
from webhook.documents.parse import parse
from webhook.offline.judged import Judged
from webhook.offline.one_object import admit_object
from webhook.offline.outcome import Misshapen, Outcome
from webhook.offline.world import World
from webhook.values.shape import Fault

_UNREAD: Final = 256 * 1024
"""Documents of more bytes that do not contain our name are not even parsed."""
_NAME: Final = PREFIX.rstrip("/").encode()
"""Without the slash, which JSON may write as \\/."""


def judged(paths: Iterable[Path], world: World, *, everything: bool = False) -> list[Judged]:
    """Return the outcome for every document in *paths*; ValueError names every mistake.

    *everything*: parse even long documents that do not contain our name.
    """
    found, mistakes = [], []
    for document in read_documents(paths):
        long = len(document.text) > _UNREAD and _NAME not in document.text
        if long and not everything and not world.policy.judges_every_pod:
            found.append(Judged(document=document, content=None))
            continue
        try:
            content = parse(document)
        except ValueError as error:
            mistakes.append(str(error))
            continue
        items = objects_of(content)
        outcomes: list[Outcome | None] = []
        for i, item in enumerate([content] if items is None else items):
            at = ("items", i) if items is not None else ()
            try:
                outcomes.append(admit_object(item, world))
            except Misshapen as error:
                mistakes += [
                    _mistake(document, content, at, error.name, fault) for fault in error.faults
                ]
            except (ValueError, RecursionError) as error:
                what = str(error) if isinstance(error, ValueError) else "is nested too deeply"
                mistakes.append(f"{document.at()}: {what}")
        found.append(Judged(document=document, content=content, outcomes=tuple(outcomes)))
    if mistakes:
        raise ValueError("\n".join(mistakes))
    return found


def _mistake(
    document: Document,
    content: Any,  # noqa: ANN401  # any YAML value
    at: tuple[str | int, ...],
    name: str,
    fault: Fault,
) -> str:
    line = None
    for step in (*at, *fault.path):
        try:
            position = content.lc.item(step) if isinstance(step, int) else content.lc.key(step)
            content = content[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
        line = max(0, position[0] - document.directives.count(b"\n") - bool(document.directives))
    return f"{document.at(line)}: {name}: {fault.where}: {fault.what}"
