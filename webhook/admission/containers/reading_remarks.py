"""Warn about models that a container will not read from its mount. Say what to write instead."""

from collections.abc import Iterator, Sequence

from webhook.admission import codes
from webhook.admission.containers.mentions import Mention, others
from webhook.admission.containers.readings import Outcome, Reading, Readings
from webhook.admission.containers.server import Server
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest
from webhook.objects import names
from webhook.values.text import quoted


def reading_remarks(
    request: CacheRequest, containers: Sequence[str], found: Sequence[Readings]
) -> Iterator[Problem]:
    """Yield the warnings about *containers*, by name, in the order of *found*."""
    for name, readings in zip(containers, found, strict=True):
        for i, reading in enumerate(readings.models):
            if reading.outcome is Outcome.DOWNLOADS:
                yield _downloads(name, i, reading, readings)
        yield from _offline(name, request, readings)
    for i in range(len(request.models)):
        yield from _unnamed(request, i, containers, found)
    if request.options.rewrite_args and request.options.layout != "hf-cache":
        yield from _not_replaced(containers, found)


def _downloads(container: str, index: int, reading: Reading, readings: Readings) -> Problem:
    worst = next((m for m in reading.mentions if m.span is None), reading.mentions[0])
    words = _instead(worst, index, readings.server)
    if index == 0 and not readings.sets_served_name and readings.server.served_name_flags:
        words += f" and {readings.server.served_name_flags[0]}={reading.model.name}"
    return Problem(
        codes.DOWNLOADS,
        f"container {container}",
        f"{worst.text.place} names {reading.model.name}, which it will download, because it "
        f"{reading.fault}: write {words}",
    )


def _instead(mention: Mention, index: int, server: Server) -> str:
    """Return the words to write in place of a mention."""
    variable = names.path_variable(index)
    path = f"${variable}" if mention.by_shell else f"$({variable})"
    if server.file_flag and mention.flag not in (server.file_flag, ""):
        return f"{server.file_flag}={path}/FILE in place of {mention.flag}"
    if mention.flag.startswith("--") and not mention.by_shell:
        return f"{mention.flag}={path}"
    return f"{path} there"


def _offline(container: str, request: CacheRequest, readings: Readings) -> Iterator[Problem]:
    """Yield a warning for each other model, if the container can't download it offline."""
    cached = [r for r in readings.models if r.outcome is Outcome.CACHE]
    if not cached and request.options.layout != "hf-cache":
        return
    where = f"container {container}"
    if not readings.offline:
        yield Problem(
            codes.ASKS_HUB,
            where,
            f"{readings.server.name} has no offline mode: it reads {cached[0].model.name} from the "
            "cache, but asks the hub at its start; rewrite-args avoids that",
        )
        return
    variable = next(iter(readings.offline))
    known = frozenset(model.name for model in request.models)
    for name, text in others(readings.texts, readings.server, known):
        yield Problem(
            codes.OTHER_MODEL,
            where,
            f"{text.place} names {quoted(name)}, which it can't download with "
            f"{variable}={readings.offline[variable]}: add it to modelcache.io/model, or set "
            f"{variable} yourself",
        )


def _unnamed(
    request: CacheRequest, index: int, containers: Sequence[str], found: Sequence[Readings]
) -> Iterator[Problem]:
    """Yield a warning if no container names the model, but a known server should."""
    if any(readings.models[index].outcome is not Outcome.UNNAMED for readings in found):
        return
    model = request.models[index]
    for name, readings in zip(containers, found, strict=True):
        server = readings.server
        if not server.name or server.named_elsewhere:
            continue
        path = f"$({names.path_variable(index)})"
        if request.options.layout == "hf-cache":
            path = model.name
        if server.file_flag:
            words = f"{server.file_flag}={path}/FILE"
        elif server.model_flags:
            words = f"{server.model_flags[0]}={path}"
        else:
            words = path
        known = frozenset(model.name for model in request.models)
        other = next((o for o, _ in others(readings.texts, server, known)), None)
        what = f"names {quoted(other)}" if other else "names no model"
        yield Problem(
            codes.UNNAMED,
            f"container {name}",
            f"{server.name} {what}, so it will not read {model.name}: write {words}",
        )
        return


def _not_replaced(containers: Sequence[str], found: Sequence[Readings]) -> Iterator[Problem]:
    for name, readings in zip(containers, found, strict=True):
        if any(r.outcome in (Outcome.REWRITTEN, Outcome.PATH) for r in readings.models):
            continue
        uncertain = [m for r in readings.models for m in r.mentions if m.span is None]
        why = "names no such model"
        if uncertain:
            why = f"names the model in {uncertain[0].text.place}, where a path may not be right"
        yield Problem(
            codes.ARGUMENTS, PREFIX + "rewrite-args", f"{name} {why}; nothing was replaced"
        )
