"""Choose the models to remove: those that every option selects, unless something needs them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webhook.pruning.options import Options
from webhook.store.contents import Published
from webhook.values.duration import elapsed
from webhook.values.text import quoted

JUST_NOW: Final = 600.0
"""Seconds within which the pods for which a loader was run appear."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one model is removed, and the reason."""

    model: Published
    goes: bool
    reason: str


def verdicts(
    models: Sequence[Published], options: Options, protected: Mapping[Path, str]
) -> list[Verdict]:
    """Return a verdict for each model, in the same order."""
    now = time.time()
    asked = _asked(models, options.models)
    found: dict[Path, Verdict] = {}
    candidates: list[tuple[Published, str]] = []
    for model in models:
        if reason := _not_asked_for(model, options, asked, now) or _needed(
            model, options, protected, now
        ):
            found[model.place] = Verdict(model, False, reason)
        else:
            candidates.append((model, _ages(model, now)))
    total = sum(model.size for model in models)
    for model, reason in sorted(candidates, key=lambda one: one[0].last_used):
        if options.keep_bytes is not None and total <= options.keep_bytes:
            why = (
                f"the store holds at most {options.keep_bytes} without the models that are removed"
            )
            found[model.place] = Verdict(model, False, why)
        else:
            found[model.place] = Verdict(model, True, reason)
            total -= model.size
    return [found[model.place] for model in models]


def _asked(models: Sequence[Published], names: Sequence[str]) -> set[Path]:
    """Return the models that *names* mean; ValueError lists names that match no model."""
    found, unknown = set(), []
    for name in names:
        same = [model.place for model in models if _is_called(model, name)]
        if not same:
            unknown.append(f"--model: the store has no {quoted(name, 120)}")
        found.update(same)
    if unknown:
        raise ValueError("\n".join(unknown))
    return found


def _is_called(model: Published, name: str) -> bool:
    called = (model.name, model.source, model.place.parent.name)
    revisions = (model.place.name, *(ref.name for ref in model.refs))
    return name in called or name in (f"{one}@{rev}" for one in called for rev in revisions)


def _not_asked_for(model: Published, options: Options, asked: set[Path], now: float) -> str:
    if not options.asks:
        return "no option selects models"
    if options.models and model.place not in asked:
        return "not named by --model"
    if model.unread:  # so its age is unknown
        return f"{model.unread}: run prune as its owner"
    if options.older_than is not None and now - model.published < options.older_than:
        return f"published {_ago(now - model.published)}"
    if options.unused_for is not None and now - model.last_used < options.unused_for:
        return f"used {_ago(now - model.last_used)}"
    return ""


def _needed(model: Published, options: Options, protected: Mapping[Path, str], now: float) -> str:
    if model.manifest is None and not options.models:
        return "its manifest can't be read: load it again, or name it with --model"
    if model.place in protected:
        return protected[model.place]
    if model.refs and not options.include_current:
        return f"{', '.join(ref.name for ref in model.refs)} points to it"
    if now - model.last_used < JUST_NOW:
        return f"a loader requested it {_ago(now - model.last_used)}"
    return ""


def _ages(model: Published, now: float) -> str:
    published, used = _ago(now - model.published), _ago(now - model.last_used)
    return f"published {published}, last used {used}"


def _ago(seconds: float) -> str:
    return f"{elapsed(seconds)} ago"
