"""Warn about models that a container will not read from its mount. Say what to write instead."""

from collections.abc import Iterator, Sequence
from typing import Final

from webhook.admission import codes
from webhook.admission.containers.mentions import Mention
from webhook.admission.containers.other_models import others
from webhook.admission.containers.own_model import own_models
from webhook.admission.containers.readings import Outcome, Reading, Readings, has_own_format
from webhook.admission.containers.references import unset_variables
from webhook.admission.containers.server import PATH, Server, normal
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest
from webhook.objects import names
from webhook.values.text import quoted

_UNSEEN: Final = "where this review can't look"


def reading_remarks(
    request: CacheRequest, containers: Sequence[str], found: Sequence[Readings]
) -> Iterator[Problem]:
    """Yield the warnings about *containers*, by name, in the order of *found*."""
    unset = set()
    for name, readings in zip(containers, found, strict=True):
        for index, problem in unset_variables(name, readings.texts, request):
            unset.add(index)
            yield problem
        for i, reading in enumerate(readings.models):
            if reading.outcome is Outcome.DOWNLOADS:
                yield _downloads(name, i, reading, readings, request.options.layout)
        yield from _limits(name, readings)
        yield from _offline(name, request, readings)
    for i in range(len(request.models)):
        if i in unset:
            continue
        yield from _unnamed(request, i, containers, found)
    if request.options.rewrite_args and request.options.layout != "hf-cache":
        yield from _not_replaced(containers, found)


def _downloads(
    container: str, index: int, reading: Reading, readings: Readings, layout: str
) -> Problem:
    worst = next((m for m in reading.mentions if m.span is None), reading.mentions[0])
    server = readings.server
    words = reading.remedy or _instead(worst, index, reading, server)
    if (
        not reading.remedy
        and index == 0
        and server.path_as_name == "whole"
        and not readings.sets_served_name
    ):
        name = next(iter(server.served_name_flags), server.served_name_variable)
        if name:
            words += f" and {_given(name, reading.model.name, server)}"
    if layout == "hf-cache" and not reading.remedy:  # which has no such path
        words += f", and remove {PREFIX}layout"
    return Problem(
        codes.DOWNLOADS,
        f"container {container}",
        f"{worst.text.place} names {reading.model.name}, which it will download, because it "
        f"{reading.fault}: write {words}",
    )


def _limits(container: str, readings: Readings) -> Iterator[Problem]:
    """Yield what keeps the server from reading the models as their owner believes."""
    server, where = readings.server, f"container {container}"
    if server.unserved:
        yield Problem(codes.UNSERVED, where, server.unserved)
    for reading in readings.models:
        if not has_own_format(server, reading.model):
            yield Problem(codes.OWN_FORMAT, where, _format(server, reading.model.name))
    first = readings.models[0]
    renamed = first.outcome is Outcome.REWRITTEN and not readings.sets_served_name
    if renamed and server.path_as_name == "last":
        yield Problem(
            codes.NAME_CHANGES,
            where,
            f"{server.name} answers to the last part of the path, and no longer to "
            f"{first.model.name}: set the name that clients use, or remove rewrite-args",
        )
    if server.named_elsewhere and not first.mentions and first.outcome is Outcome.CACHE:
        variable = next(iter(readings.offline))
        yield Problem(
            codes.ELSEWHERE,
            where,
            f"{server.name} names its models where this review can't see it: it finds "
            f"{first.model.name} in the cache, but can't download others with "
            f"{variable}={readings.offline[variable]}: add them to modelcache.io/model, or set "
            f"{variable} yourself",
        )


def _instead(mention: Mention, index: int, reading: Reading, server: Server) -> str:
    """Return the words to write in place of a mention."""
    path = _path(index, reading, server, by_shell=mention.by_shell)
    if server.path_flag and normal(mention.flag) != normal(server.path_flag):
        if mention.text.field == "env":
            name = next((name for name in server.env if name in server.model_flags), "")
            return f"{name}={path} in place of {mention.flag}"
        return f"{_given(server.path_flag, path, server)} in place of {mention.flag or 'that word'}"
    if mention.flag.startswith("--") and not mention.by_shell:
        return _given(mention.flag, path, server)
    return f"{path} there"


def _path(index: int, reading: Reading, server: Server, *, by_shell: bool = False) -> str:
    """Return the words for the place of a model."""
    file = server.reads_file and reading.model.file
    variable = names.file_variable(index) if file else names.path_variable(index)
    path = f"${variable}" if by_shell else f"$({variable})"
    return f"{path}/FILE" if server.reads_file and not file else path


def _given(flag: str, value: str, server: Server) -> str:
    """Return an argument with its value, as *server* takes it."""
    joined = server.joins_flags or not flag.startswith("-")
    return f"{flag}={value}" if joined else f"{flag} {value}"


def _offline(container: str, request: CacheRequest, readings: Readings) -> Iterator[Problem]:
    """Yield a warning for each other model, if the container can't download it offline."""
    cached = [r for r in readings.models if r.outcome is Outcome.CACHE]
    if not cached:
        return
    where = f"container {container}"
    if readings.server.prefers_path:
        first = cached[0]
        words = f"remove {PREFIX}layout"
        if request.options.layout == "auto":
            index = readings.models.index(first)
            words = f"write {_instead(first.mentions[0], index, first, readings.server)}"
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
            "cache, but asks the hub at its start; rewrite-args avoids that",
        )
        return
    variable = next(iter(readings.offline))
    if (given := readings.texts.values.get(variable, "1")).lower() in (
        "",
        "0",
        "no",
        "off",
        "false",
    ):
        yield Problem(
            codes.ASKS_HUB,
            where,
            f"{variable}={given} lets it ask the hub at its start, and it can't write a newer "
            f"revision into the read-only cache: remove {variable}, or set rewrite-args",
        )
        return
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
    called = model.name
    if sum(other.name == called for other in request.models) > 1:
        called = model.asked  # with its revision
    for name, readings in zip(containers, found, strict=True):
        server = readings.server
        if not server.name or server.named_elsewhere or server.unserved:
            continue
        if not has_own_format(server, model):
            continue
        words = _words_for(index, readings.models[index], server, request.options.layout)
        known = frozenset(model.name for model in request.models)
        other = next((o for o, _ in others(readings.texts, server, known)), None)
        what = f"names {quoted(other)}" if other else _named_instead(readings)
        so = "may download" if what.endswith(_UNSEEN) else "will not read"
        if server.ignores_words and any(model.name in t.text for t in readings.texts.words):
            what = f"ignores {model.name}, which no argument names"
        yield Problem(
            codes.UNNAMED,
            f"container {name}",
            f"{server.name} {what}, so it {so} {called}: {words}",
        )
        return


def _format(server: Server, model: str) -> str:
    if not server.own_format:
        return f"{server.name} can't read {model}: name a source with files that it reads"
    return (
        f"{server.name} reads only {server.own_format}, which {model} does not seem to have: name "
        "a model that has it, or set modelcache.io/directory to a directory that has it"
    )


def _words_for(index: int, reading: Reading, server: Server, layout: str) -> str:
    """Return what to do so that *server* reads a model that it does not name."""
    path = _path(index, reading, server)
    by_variable = next((name for name, value in server.env.items() if PATH in value), "")
    flag = server.path_flag or next(iter(server.model_flags), by_variable)
    if not flag:
        return f"write {path}"
    if layout == "hf-cache":
        if server.cache:
            return f"write {_given(flag, reading.model.name, server)}"
        return f"write {_given(flag, path, server)}, and remove {PREFIX}layout"
    if index and flag == by_variable:
        return f"give it a pod of its own, since {server.name} reads one directory"
    return f"write {_given(flag, path, server)}"


def _named_instead(readings: Readings) -> str:
    """Return what the container names in place of the model, as the middle of a sentence."""
    texts, server = readings.texts, readings.server
    for flag in filter(None, (*server.model_flags, server.path_flag)):
        if flag in texts.hidden:
            return f"gets {flag} from {_UNSEEN}"
    for value in own_models(texts, server):
        if "$(" in value or (texts.in_shell and "$" in value):
            return f"gets its model from {quoted(value)}, {_UNSEEN}"
        return f"names {quoted(value)}"
    return "names no model"


def _not_replaced(containers: Sequence[str], found: Sequence[Readings]) -> Iterator[Problem]:
    for name, readings in zip(containers, found, strict=True):
        if any(r.outcome in (Outcome.REWRITTEN, Outcome.PATH) for r in readings.models):
            continue
        uncertain = [m for r in readings.models for m in r.mentions if m.span is None]
        why, remedy = "names no such model", "name it as an argument of its own"
        if readings.server.needs_hub_name and any(r.mentions for r in readings.models):
            why = f"keeps the name of the model, because {readings.server.needs_hub_name}"
            remedy = "remove this annotation"
        if uncertain:
            why = f"names the model in {uncertain[0].text.place}, where a path may not be right"
            remedy = "write the path there yourself"
        yield Problem(
            codes.ARGUMENTS,
            PREFIX + "rewrite-args",
            f"{name} {why}; nothing was replaced: {remedy}",
        )
