"""Warn about what the offline mode of a server breaks, and about a server that has left it."""

from collections.abc import Iterator
from typing import Final

from webhook.admission import codes
from webhook.admission.containers.advice import UNSEEN, instead, rewritable
from webhook.admission.containers.other_models import others
from webhook.admission.containers.readings import Outcome, Readings
from webhook.admission.containers.started import Change
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest
from webhook.values.text import quoted

_LETS: Final = "which lets it ask the hub at its start"
_OFF: Final = frozenset(("", "0", "no", "off", "false"))


def offline_remarks(container: str, request: CacheRequest, readings: Readings) -> Iterator[Problem]:
    """Yield the warnings about a container that reads a model from a Hugging Face cache."""
    cached = [reading for reading in readings.models if reading.outcome is Outcome.CACHE]
    if not cached:
        return
    where = f"container {container}"
    first = cached[0]
    if readings.server.asks_hub:
        yield Problem(
            codes.ASKS_HUB,
            where,
            f"{readings.server.name} may ask the hub for {first.model.name} at its start: "
            f"{readings.server.asks_hub}",
        )
    if readings.server.prefers_path:
        words = f"remove {PREFIX}layout"
        if request.options.layout == "auto":
            words = f"write {instead(first.mentions[0], readings.models.index(first), readings)}"
        yield Problem(
            codes.ASKS_HUB,
            where,
            f"{readings.server.name} may ask the hub for {first.model.name} at its start, offline "
            f"or not, unless it is given a path: {words}",
        )
    if not readings.offline:
        yield Problem(
            codes.ASKS_HUB,
            where,
            f"{readings.server.name} has no offline mode: it reads {cached[0].model.name} from the "
            f"cache, but asks the hub at its start{_avoided(request, readings)}",
        )
        return
    variable, value = next(iter(readings.offline.items()))
    start, texts = readings.start, readings.texts
    is_own = variable in texts.values or variable in texts.hidden
    may_leave = is_own or start.changes or start.cleared_by
    if may_leave and (online := _online(variable, readings)):
        remedy = f", or {way}" if (way := _by_path(request, readings)) else ""
        yield Problem(codes.ASKS_HUB, where, f"{online}{remedy}")
        return
    if readings.server.named_elsewhere and not first.mentions and not readings.models.index(first):
        yield Problem(
            codes.ELSEWHERE,
            where,
            f"{readings.server.name} names its models {UNSEEN}: it finds {first.model.name} in the "
            f"cache, but can't download others with {variable}={value}: add them to "
            "modelcache.io/model",
        )
    known = frozenset(model.name for model in request.models)
    for name, text in others(readings.texts, readings.server, known):
        way = ", or set modelcache.io/rewrite-args" if rewritable(readings) else ""
        yield Problem(
            codes.OTHER_MODEL,
            where,
            f"{text.place} names {quoted(name)}, which it can't download with {variable}={value}: "
            f"add it to modelcache.io/model{way}",
        )


def _online(variable: str, readings: Readings) -> str:
    """Return how the server may leave its offline mode, and what to do; empty if it does not."""
    fault = "and it can't write a newer revision into the read-only cache"
    start = readings.start
    if start.lacks(variable):
        words = f"{start.cleared_by} takes {variable} away, {_LETS}, {fault}"
        return f"{words}: pass {variable} to the server"
    for change in reversed(start.changes.get(variable, ())):
        if online := _set_online(variable, change):
            what, remedy = online
            return f"{change.text.place} {what}, {fault}: {remedy}"
        if change.is_certain:
            return ""
    if variable in readings.texts.hidden:
        words = f"{variable} comes from {UNSEEN}: unless it is 1, the server asks the hub at its"
        return f"{words} start, {fault}: set {variable} to 1 in the pod"
    given = readings.texts.values.get(variable, "1")
    if given.lower() in _OFF:
        return f"{variable}={given} {_LETS.removeprefix('which ')}, {fault}: remove {variable}"
    return ""


def _set_online(variable: str, change: Change) -> tuple[str, str] | None:
    """Return how a command may set *variable* to what lets a server ask the hub, and the remedy."""
    value = change.value
    if value is None:
        return f"removes {variable}, {_LETS}", "leave it there"
    if "$" in value:
        words = f"sets {variable} from {UNSEEN}: unless it is 1, the server asks the hub at its"
        return f"{words} start", f"write {variable}=1 there"
    if value.lower() in _OFF:
        return f"sets {variable}={value}, {_LETS}", "remove it there"
    return None


def _avoided(request: CacheRequest, readings: Readings) -> str:
    """Return how a server without an offline mode asks no hub, as the end of a sentence."""
    by_words = request.options.rewrite_args or request.options.layout == "hf-cache"
    if not by_words and rewritable(readings):
        return "; rewrite-args avoids that"
    way = _by_path(request, readings)
    return f": to avoid that, {way}" if way else ""


def _by_path(request: CacheRequest, readings: Readings) -> str:
    """Return what to do so that the server is given a path; empty if nothing is known to do."""
    if request.options.layout == "hf-cache":
        return f"remove {PREFIX}layout and set rewrite-args" if rewritable(readings) else ""
    if not request.options.rewrite_args and rewritable(readings):
        return "set rewrite-args"
    first = readings.cached[0]
    worst = next((m for m in first.mentions if m.span is None), None)
    if worst is None or readings.server.needs_hub_name:
        return ""
    index = readings.models.index(first)
    words = instead(worst, index, readings).removesuffix(" there")
    return f"write {words} in {worst.text.place}"
