"""Print one verdict for each annotated object: modelcache check."""

from collections.abc import Iterable
from pathlib import Path

from webhook.admission.request.annotations import PREFIX
from webhook.offline import wording
from webhook.offline.judge import judged
from webhook.offline.snapshot import Snapshot
from webhook.terminal import printing


def verdicts(paths: Iterable[Path], world: Snapshot, *, strict: bool = False) -> bool:
    """Print a line for each annotated object in *paths*; return whether one fails.

    An object fails if it is refused, and with *strict* also if its pods will wait for something.
    """
    found = judged(paths, world)
    ours = [(each, outcome) for each in found for outcome in each.ours]
    for each, outcome in ours:
        for line in outcome.warnings:
            wording.warning(line)
        for part in outcome.parts:
            if strict and part.waits:
                wording.waiting(part.name, part.waits, each.document.source)
            else:
                wording.verdict(part.name, part.decision, each.document.source)
    if not ours:
        printing.note(f"nothing here has an annotation {PREFIX}…")
    printing.flush()
    return any(outcome.refused or (strict and outcome.waits) for _, outcome in ours)
