"""Warn about models that a container will not read from its mount. Say what to write instead."""

from collections.abc import Iterator, Sequence
from typing import Final

from webhook.admission import codes
from webhook.admission.containers.advice import UNSEEN, given, instead, place, rewritable
from webhook.admission.containers.arguments import served_name_variable
from webhook.admission.containers.offline_remarks import offline_remarks
from webhook.admission.containers.other_models import others
from webhook.admission.containers.own_model import own_models, serving_verb
from webhook.admission.containers.readings import (
    Outcome,
    Reading,
    Readings,
    has_own_format,
    reads_file,
)
from webhook.admission.containers.references import unset_variables
from webhook.admission.containers.server import PATH, Server
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest
from webhook.objects import names
from webhook.values.text import quoted

NAMES_NONE: Final = "names no model"


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
        yield from offline_remarks(name, request, readings)
    for i in range(len(request.models)):
        if i in unset:
            continue
        yield from _unnamed(request, i, containers, found)
        if request.options.file:
            yield from _unused_file(i, containers, found)
    if request.options.layout == "hf-cache":
        if request.options.mount_path:
            yield from _unused_mount_path(request.options.mount_path[0], found)
    elif request.options.rewrite_args:
        yield from _not_replaced(containers, found)


def _unused_mount_path(path: str, found: Sequence[Readings]) -> Iterator[Problem]:
    """Yield a warning if every container looks for its cache elsewhere."""
    roots = [root for readings in found for root in readings.roots.paths]
    if roots and path not in roots:
        yield Problem(
            codes.NO_EFFECT,
            PREFIX + "mount-path",
            f"has no effect with layout hf-cache, since the cache is where the container looks: "
            f"{quoted(roots[0])}",
        )


def _downloads(
    container: str, index: int, reading: Reading, readings: Readings, layout: str
) -> Problem:
    worst = next((m for m in reading.mentions if m.span is None), reading.mentions[0])
    server = readings.server
    words = reading.remedy or instead(worst, index, readings)
    if (
        not reading.remedy
        and index == 0
        and server.path_as_name == "whole"
        and not readings.sets_served_name
    ):
        name = next(iter(server.served_name_flags), server.served_name_variable)
        if name:
            words += f" and {given(name, reading.model.name, server)}"
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
    if renamed and server.path_as_name.startswith("last") and not served_name_variable(readings):
        parts = "part" if server.path_as_name == "last" else "two parts"
        yield Problem(
            codes.NAME_CHANGES,
            where,
            f"{server.name} answers to the last {parts} of the path, and no longer to "
            f"{first.model.name}: set the name that clients use, or remove rewrite-args",
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
        words = _words_for(index, readings, request.options.layout)
        known = frozenset(model.name for model in request.models)
        other = next((o for o, _ in others(readings.texts, server, known)), None)
        what = f"names {quoted(other)}" if other else _named_instead(readings)
        so = "may download" if what.endswith(UNSEEN) else "will not read"
        unread = next((t for t in readings.texts.words if t.unread and model.name in t.text), None)
        if fault := readings.models[index].fault:
            what = fault
        elif unread:
            program = next(text for text in readings.texts.words if text.shell)
            what = f"is given it in {unread.place}, which the shell in {program.place} does not use"
            so, words = "will not read", f"{words} in {program.place}"
        elif (
            server.ignores_words
            and what == NAMES_NONE
            and any(model.name in text.text for text in readings.texts.words)
        ):
            what = f"ignores {model.name}, which no argument names"
        yield Problem(
            codes.UNNAMED,
            f"container {name}",
            f"{server.name} {what}, so it {so} {called}: {words}",
        )
        return


def _unused_file(
    index: int, containers: Sequence[str], found: Sequence[Readings]
) -> Iterator[Problem]:
    """Yield a warning if the annotation names a file of a model that is read as a whole."""
    for name, readings in zip(containers, found, strict=True):
        model, server = readings.models[index].model, readings.server
        reads = readings.models[index].outcome
        if not model.file or reads is not Outcome.CACHE:
            return
        texts = (*readings.texts.words, *readings.texts.variables)
        if any(model.file in text.text for text in texts):
            return
        by_path = rewritable(readings) and reads_file(model, server, "")
        yield Problem(
            codes.NO_EFFECT,
            PREFIX + "file",
            f"has no effect, since {name} reads {model.name} from the Hugging Face cache by its "
            f"name: {'set rewrite-args, or ' if by_path else ''}remove it",
        )
        return


def _format(server: Server, model: str) -> str:
    if not server.own_format:
        return f"{server.name} can't read {model}: name a source with files that it reads"
    return (
        f"{server.name} reads only {server.own_format}, which {model} does not seem to have: name "
        "a model that has it, or set modelcache.io/directory to a directory that has it"
    )


def _words_for(index: int, readings: Readings, layout: str) -> str:
    """Return what to do so that the server reads a model that it does not name."""
    server = readings.server
    if server.reads_at:
        return f"write {PREFIX}mount-path: {server.reads_at}"
    path = place(index, readings)
    by_variable = next((name for name, value in server.env.items() if PATH in value), "")
    flag = server.path_flag or next(iter(server.model_flags), by_variable)
    if not flag:
        return f"write {path}"
    if layout == "hf-cache":
        if server.cache:
            flag = server.hub_flag or flag
            return f"write {given(flag, readings.models[index].model.name, server)}"
        return f"write {given(flag, path, server)}, and remove {PREFIX}layout"
    if index and flag == by_variable:
        return f"give it a pod of its own, since {server.name} reads one directory"
    if index and not server.name_separator:
        if not server.more_flags:
            return f"give it a pod of its own, since {server.name} reads one model"
        return f"write {path} behind the argument that loads it, or remove it from {PREFIX}model"
    if server.positional and (verb := serving_verb(readings.texts, server)):
        # Several versions of vLLM refuse --model there, or prefer the word.
        named = own_models(readings.texts, server)
        return f"write {path} {f'in place of {quoted(named[0])}' if named else f'behind {verb}'}"
    return f"write {given(flag, path, server)}"


def _named_instead(readings: Readings) -> str:
    """Return what the container names in place of the model, as the middle of a sentence."""
    texts, server = readings.texts, readings.server
    for flag in filter(None, (*server.model_flags, server.path_flag)):
        if flag in texts.hidden:
            return f"gets {flag} from {UNSEEN}"
    for value in own_models(texts, server):
        ours = names.PATH_VARIABLE in value or names.FILE_VARIABLE in value
        is_open = "$(" in value or (texts.program and "$" in value)
        if not ours and is_open and not value.startswith(("/", "./")):
            return f"gets its model from {quoted(value)}, {UNSEEN}"
        return f"names {quoted(value)}"
    for flag in server.config_flags:
        if file := texts.options.get(flag):
            return f"may get its model from {quoted(file)}, {UNSEEN}"
    return NAMES_NONE


def _not_replaced(containers: Sequence[str], found: Sequence[Readings]) -> Iterator[Problem]:
    for name, readings in zip(containers, found, strict=True):
        if any(r.outcome in (Outcome.REWRITTEN, Outcome.PATH) for r in readings.models):
            continue
        uncertain = [m for r in readings.models for m in r.mentions if m.span is None]
        why, remedy = "names no such model", "name it as an argument of its own"
        if readings.server.needs_hub_name and any(r.mentions for r in readings.models):
            why = f"keeps the name of the model, because {readings.server.needs_hub_name}"
            remedy = "remove this annotation"
        server = readings.server
        if server.reads_file and any(r.mentions and not r.model.file for r in readings.models):
            why = f"names a model, but {server.name} reads one file, and no annotation says which"
            remedy = f"set {PREFIX}file"
        elif uncertain:
            why = f"names the model in {uncertain[0].text.place}, where a path may not be right"
            remedy = "write the path there yourself"
        yield Problem(
            codes.ARGUMENTS,
            PREFIX + "rewrite-args",
            f"{name} {why}; nothing was replaced: {remedy}",
        )
