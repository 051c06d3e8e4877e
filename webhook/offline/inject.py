"""Print files as the cluster would admit them: modelcache inject.

Everything is read and decided before the first byte is written, so that a mistake
leaves no partial output. Documents that do not concern us are written byte for
byte; refused objects are left out.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from webhook.admission.decision import Deny
from webhook.documents.plain import plain
from webhook.offline import wording
from webhook.offline.explain import print_part
from webhook.offline.judge import judged
from webhook.offline.judged import Judged
from webhook.offline.world import World
from webhook.terminal import printing


def write_stream(found: Sequence[Judged], texts: Sequence[bytes]) -> None:
    """Write *texts*, one for each of *found*, with the separators that their authors wrote."""
    source, last = None, b""
    for each, text in zip(found, texts, strict=True):
        if each.dropped:
            continue
        separator = each.document.separator
        if last and each.document.source != source:
            # A new file begins a new document, even if no line says so.
            if separator.startswith(b"%"):
                separator = b"...\n" + separator
            elif not separator.startswith(b"---"):
                separator = b"---\n"
        if last and separator and not last.endswith(b"\n"):
            printing.write(b"\n")
        printing.write(separator + text)
        source, last = each.document.source, separator + text or last


def run(paths: Iterable[Path], world: World, *, output: str, diff: bool, explain: bool) -> bool:
    """Print what the cluster would admit from *paths*; return whether something is refused."""
    words = diff or explain
    found = judged(paths, world, everything=output == "json" and not words)
    texts = [_output(each, "yaml" if words else output) for each in found]
    for each in found:
        _report(each)
    if words:
        for each, text in zip(found, texts, strict=True):
            if diff and each.ours and not each.dropped:
                printing.diff(_title(each), each.document.text, text)
            if explain:
                for outcome in each.ours:
                    for part in outcome.parts:
                        print_part(part)
    elif output == "yaml":
        write_stream(found, texts)
    else:
        printing.write(b"".join(texts))
    printing.flush()
    return any(outcome.refused for each in found for outcome in each.ours)


def _output(each: Judged, output: str) -> bytes:
    """Return what to print for a document, in the requested format."""
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


def _report(each: Judged) -> None:
    for outcome in each.ours:
        for line in outcome.warnings:
            wording.warning(line)
        for part in outcome.parts:
            if isinstance(part.decision, Deny):
                source = each.document.source
                wording.refusal(part.name, part.decision, source, is_pod=outcome.is_pod)
