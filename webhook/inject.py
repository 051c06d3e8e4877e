"""Files in, files out: modelcache inject and modelcache check.

Everything is read and judged before the first byte is written, so that a
mistake leaves nothing half-written. Documents that do not concern us come back
byte for byte; what is refused is left out.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from webhook import present
from webhook.annotations import PREFIX
from webhook.decision import Deny
from webhook.documents.aliases import unshared
from webhook.documents.contents import objects_of
from webhook.documents.document import Document
from webhook.documents.files import read_documents
from webhook.documents.parse import parse
from webhook.documents.plain import plain
from webhook.documents.shape import Fault
from webhook.documents.text import text_of
from webhook.offline import Misshapen, Outcome, admit_object
from webhook.snapshot import Snapshot

_UNREAD: Final = 256 * 1024
"""Bytes from which a document that nowhere names us is not even checked for syntax."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A document and what became of its objects, in their order."""

    document: Document
    content: Any
    outcomes: tuple[Outcome | None, ...] = ()

    @property
    def ours(self) -> list[Outcome]:
        """What became of the objects that concern us."""
        return [outcome for outcome in self.outcomes if outcome]

    @property
    def is_list(self) -> bool:
        """Whether the document is a List."""
        return objects_of(self.content) is not None

    @property
    def dropped(self) -> bool:
        """Whether nothing of the document is admitted."""
        refused = [bool(outcome and outcome.refused) for outcome in self.outcomes]
        return bool(refused) and all(refused)

    def _content(self, *, admitted: bool) -> Any:  # noqa: ANN401  # any YAML value
        if not self.is_list:
            [outcome] = self.outcomes
            return outcome and (outcome.after if admitted else outcome.before)
        whole = unshared(self.content)
        if admitted:
            whole["items"] = type(whole["items"])(
                outcome.after if outcome else item
                for item, outcome in zip(whole["items"], self.outcomes, strict=True)
                if not (outcome and outcome.refused)
            )
        return whole

    @property
    def after(self) -> Any:  # noqa: ANN401  # any YAML value
        """What is admitted of the document."""
        if not self.ours:
            return self.content
        return self._content(admitted=True)

    @property
    def text(self) -> bytes:
        """What is admitted, as YAML; the author's bytes if nothing changes."""
        if not any(outcome.operations or outcome.refused for outcome in self.ours):
            return self.document.text
        return text_of(self._content(admitted=False), self.after, self.document.text).encode()


def judged(paths: Iterable[Path], world: Snapshot, *, everything: bool = False) -> list[Judged]:
    """Return what becomes of every document of *paths*; ValueError names every mistake.

    Long documents that nowhere name us are read only if *everything* is asked for.
    """
    found, mistakes = [], []
    for document in read_documents(paths):
        long = len(document.text) > _UNREAD and PREFIX.encode() not in document.text
        if long and not everything:
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


def run(paths: Iterable[Path], world: Snapshot, *, output: str, diff: bool, explain: bool) -> bool:
    """Print what the cluster would admit of *paths*; return whether something is refused."""
    words = diff or explain
    found = judged(paths, world, everything=output == "json" and not words)
    texts = [_output(each, "yaml" if words else output) for each in found]
    for each in found:
        _report(each)
    if words:
        for each, text in zip(found, texts, strict=True):
            if diff and each.ours and not each.dropped:
                present.diff(_title(each), each.document.text, text)
            if explain:
                for outcome in each.ours:
                    present.explain(outcome.name, outcome.plan, outcome.decision)
    elif output == "yaml":
        _write_stream(found, texts)
    else:
        present.write(b"".join(texts))
    present.flush()
    return any(outcome.refused for each in found for outcome in each.ours)


def _output(each: Judged, output: str) -> bytes:
    """Return what is printed of a document, in the form asked for."""
    if output == "yaml":
        return b"" if each.dropped else each.text
    if output == "patch":
        kept = (outcome for outcome in each.ours if not outcome.refused)
        return b"".join(_json(list(outcome.operations)) for outcome in kept)
    if each.dropped or each.content is None:
        return b""
    try:
        return _json(plain(each.after))
    except ValueError as error:
        raise ValueError(f"{each.document.at()}: {error}") from error


def _json(value: Any) -> bytes:  # noqa: ANN401  # any JSON value
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _title(each: Judged) -> str:
    names = [outcome.name for outcome in each.ours]
    return f"{each.document.at()} {names[0]}" if len(names) == 1 else each.document.at()


def _write_stream(found: list[Judged], texts: list[bytes]) -> None:
    source, last = None, b""
    for each, text in zip(found, texts, strict=True):
        if each.dropped:
            continue
        separator = each.document.separator
        if last and each.document.source != source:
            # Files are documents of their own, also where no line says so.
            if separator.startswith(b"%"):
                separator = b"...\n" + separator
            elif not separator.startswith(b"---"):
                separator = b"---\n"
        if last and separator and not last.endswith(b"\n"):
            present.write(b"\n")
        present.write(separator + text)
        source, last = each.document.source, separator + text or last


def _report(each: Judged) -> None:
    for outcome in each.ours:
        for line in outcome.warnings:
            present.warning(line)
        if isinstance(outcome.decision, Deny):
            present.refusal(
                outcome.name, outcome.decision, each.document.source, is_pod=outcome.is_pod
            )


def verdicts(paths: Iterable[Path], world: Snapshot) -> bool:
    """Print a line for each object of *paths* that concerns us; return whether one is refused."""
    found = judged(paths, world)
    ours = [(each, outcome) for each in found for outcome in each.ours]
    for each, outcome in ours:
        for line in outcome.warnings:
            present.warning(line)
        present.verdict(outcome.name, outcome.decision, each.document.source)
    if not ours:
        present.note(f"nothing here has an annotation {PREFIX}…")
    present.flush()
    return any(outcome.refused for _, outcome in ours)
