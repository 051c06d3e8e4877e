"""Say for each object what would become of it: modelcache check."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webhook.admission.decision import Deny, Mutate
from webhook.admission.judge import AUDIT, ENFORCE
from webhook.admission.request.annotations import PREFIX
from webhook.offline import wording
from webhook.offline.judge import judged
from webhook.offline.judged import Judged
from webhook.offline.outcome import Outcome, Part
from webhook.offline.world import World
from webhook.terminal import printing


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """What makes check fail, next to refusals and findings of enforced rules."""

    waiting: bool = False
    """Pods that will wait for something."""
    warnings: bool = False

    def fails(self, outcome: Outcome) -> bool:
        """Whether an object fails."""
        return (
            outcome.refused
            or any(finding.mode == ENFORCE for finding in outcome.findings)
            or (self.waiting and outcome.waits)
            or (self.warnings and bool(outcome.warnings))
        )


def verdicts(
    paths: Iterable[Path], world: World, severity: Severity, *, as_json: bool = False
) -> bool:
    """Print a verdict for each object in *paths* that concerns us; return whether one fails."""
    found = judged(paths, world)
    ours = [(each, outcome) for each in found for outcome in each.ours]
    if as_json:
        entries = [
            _entry(each, outcome, part, severity)
            for each, outcome in ours
            for part in outcome.parts
        ]
        printing.write((json.dumps(entries, indent=2, ensure_ascii=False) + "\n").encode())
    else:
        for each, outcome in ours:
            _print(each, outcome, severity)
        if not ours:
            printing.note(_nothing(world))
    printing.flush()
    return any(severity.fails(outcome) for _, outcome in ours)


def _nothing(world: World) -> str:
    if world.policy.judges_every_pod:
        return f"nothing here has an annotation {PREFIX}…, and no rule finds anything"
    return f"nothing here has an annotation {PREFIX}…"


def _print(each: Judged, outcome: Outcome, severity: Severity) -> None:
    source = each.document.source
    for line in outcome.warnings:
        wording.warning(f"{outcome.name} ({source}): {line}")
    for part in outcome.parts:
        if severity.waiting and part.waits:
            wording.waiting(part.name, part.waits, source)
        else:
            wording.verdict(part.name, part.decision, source)
        for finding in part.findings:
            if finding.mode == AUDIT:
                wording.audited(part.name, finding.problem, source)


def _entry(each: Judged, outcome: Outcome, part: Part, severity: Severity) -> dict[str, Any]:
    """Return the verdict about one sort of pods as JSON."""
    decision, place = part.decision, each.document.at()
    refused = isinstance(decision, Deny)
    return {
        "object": part.name,
        "subject": part.subject,
        "place": place,
        "verdict": "refused" if refused else "waits" if part.waits else "admitted",
        "fails": severity.fails(outcome),
        "strategy": decision.strategy if isinstance(decision, Mutate) else "",
        "message": decision.message if isinstance(decision, Deny) else "",
        "warnings": list(outcome.warnings),
        "findings": [
            {
                "rule": finding.rule,
                "code": finding.problem.code,
                "mode": finding.mode,
                "policy": finding.policy,
                "subject": part.subject,
                "place": place,
                "message": finding.problem.what,
            }
            for finding in part.findings
        ],
    }
