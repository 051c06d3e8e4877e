"""Decide how each container reads each model, from what the container runs.

path        it names a place below our mount
cache       it names the model by its hub name, and finds it in a Hugging Face cache
rewritten   its hub name is replaced by the path
downloads   it names the model by its hub name, and will download it
unnamed     it names the model nowhere
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from webhook.admission.containers.hub_cache import DEFAULT_ROOT, Roots, roots_of
from webhook.admission.containers.mentions import Mention, mentions
from webhook.admission.containers.own_model import own_mentions
from webhook.admission.containers.references import Where, is_own, names_path
from webhook.admission.containers.revisions import asked_revision, other_revision
from webhook.admission.containers.server import FILE, PATH, HubCache, Server, normal
from webhook.admission.containers.started import AS_IS, PROGRAMS, Started, started
from webhook.admission.containers.texts import Texts, texts_of
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest
from webhook.admission.request.model import Model
from webhook.models.layout import DEFAULT_REVISION
from webhook.models.schemes import REMOTE
from webhook.objects.container import Container
from webhook.objects.volume import Volume


class Outcome(StrEnum):
    """How a container reads a model. The value is the label of the metric."""

    PATH = "path"
    CACHE = "cache"
    REWRITTEN = "rewritten"
    DOWNLOADS = "downloads"
    UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a container reads one model."""

    model: Model
    outcome: Outcome
    mentions: Sequence[Mention] = ()
    fault: str = ""
    """Why it will download the model."""
    remedy: str = ""
    """What to write, if it is not the path."""
    by_variable: bool = False
    """Whether it reads the path from a variable that we set."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What a container runs, and how it reads each model."""

    texts: Texts
    server: Server
    start: Started
    roots: Roots
    """Where it looks for Hugging Face caches."""
    offline: Mapping[str, str]
    """Variables with which it asks no hub."""
    models: Sequence[Reading]
    paths: Sequence[str]
    """Where the models are mounted as directories."""

    @property
    def cached(self) -> list[Reading]:
        """The models that the container finds in a Hugging Face cache."""
        return [reading for reading in self.models if reading.outcome is Outcome.CACHE]

    @property
    def sets_served_name(self) -> bool:
        """Whether the author sets the name of the model in the API."""
        texts, variable = self.texts, self.server.served_name_variable
        set_by_variable = variable in texts.values or variable in texts.hidden
        return set_by_variable or not self.server.names.isdisjoint(texts.options)


_NO_CACHE: Final = "is not known to read a Hugging Face cache"


def readings_of(
    container: Container,
    server: Server,
    request: CacheRequest,
    paths: Sequence[str],
    volumes: Sequence[Volume],
    *,
    has_cache: bool,
) -> Readings:
    """Return how *container* reads the models, which are mounted at *paths*.

    *volumes*: those of the pod. *has_cache*: whether those of the strategy hold Hugging Face
    caches.
    """
    texts = texts_of(container)
    by_wrapper = not (
        PROGRAMS.isdisjoint(container.command or ()) and PROGRAMS.isdisjoint(container.args or ())
    )
    start = started(texts, server) if texts.program or by_wrapper else AS_IS
    layout = request.options.layout
    asked = layout == "hf-cache"
    cache = server.cache or (HubCache() if asked else None)
    roots = Roots(fault=_NO_CACHE)
    if layout == "directory":
        roots = Roots(fault="is given plain files by layout directory")
    elif not has_cache and not asked:
        roots = Roots(fault="has a volume with plain files")
    elif cache:
        default = (request.options.mount_path or (DEFAULT_ROOT,))[0] if asked else DEFAULT_ROOT
        roots = roots_of(container, texts, start, cache, default, () if asked else paths, volumes)
    fault = roots.fault
    if asked and server.name and not server.cache:
        fault = _NO_CACHE  # it is mounted, since the author asks for it
    meant = _meant(texts, server, request.models) if request.models[1:] else (0,)
    found = [
        _reading(texts, start, server, request, model, Where(i, path, i in meant), fault)
        for i, (model, path) in enumerate(zip(request.models, paths, strict=True))
    ]
    return Readings(texts, server, start, roots, cache.offline if cache else {}, found, paths)


def _reading(
    texts: Texts,
    start: Started,
    server: Server,
    request: CacheRequest,
    model: Model,
    where: Where,
    fault: str,
) -> Reading:
    given = request.options
    found = _mentions_read(texts, server, model) if where.is_meant else []
    if all(mention.text.field == "env" and not mention.span for mention in found):
        # Such a variable may be a name for people only.
        by_path = given.layout != "hf-cache" and names_path(texts, where, model)
        if by_path or where.path == server.reads_at:
            return Reading(model, Outcome.PATH)
        by_us = not where.index and not start.cleared_by
        if by_us and given.layout != "hf-cache" and _is_given(texts, server, model):
            return Reading(model, Outcome.PATH, by_variable=True)
    if not model.source.repository:
        fault = "finds no such model in a Hugging Face cache"
    elif not model.laid_by_us and given.layout == "auto":
        fault = "is given a store that was filled by hand"
    if not found:
        in_cache = server.named_elsewhere and where.is_meant and not fault
        return Reading(model, Outcome.CACHE if in_cache else Outcome.UNNAMED)
    if any(mention.is_download for mention in found):
        fault = "hands it to a command that downloads into another directory"
        place = where.path if is_own(where.variable, texts) else f"${where.variable}"
        remedy = f"{place} in place of that directory, and no download"
        return Reading(model, Outcome.DOWNLOADS, found, fault, remedy=remedy)
    if other := other_revision(texts, server, model, found, where.index):
        fault, remedy = other
        return Reading(model, Outcome.DOWNLOADS, found, fault, remedy=remedy)
    certain = all(mention.span for mention in found) and not server.needs_hub_name
    certain &= bool(model.file) or not server.reads_file
    if given.rewrite_args and given.layout != "hf-cache" and certain:
        return Reading(model, Outcome.REWRITTEN, found)
    by_path = bool(server.takes_path) and _takes_path(server, found)
    if by_path:
        fault = f"takes {model.name} for a path, and for no name"
    prefers_path = server.prefers_path and given.layout == "auto" and certain
    if not fault and not prefers_path:
        return Reading(model, Outcome.CACHE, found)
    if given.layout == "auto" and server.name and certain:
        return Reading(model, Outcome.REWRITTEN, found)
    remedy = server.reads_at and f"{PREFIX}mount-path: {server.reads_at}, and no {found[0].flag}"
    outcome = Outcome.UNNAMED if by_path else Outcome.DOWNLOADS
    return Reading(model, outcome, () if by_path else found, fault, remedy=remedy)


def _takes_path(server: Server, found: Sequence[Mention]) -> bool:
    """Whether the model is named only by arguments that take a path."""
    return all(normal(m.flag) in server.takes_path for m in found)


def _mentions_read(texts: Texts, server: Server, model: Model) -> list[Mention]:
    """Return where *model* is named; none if only variables that the server does not read name it.

    They may be for a script, unless the server is given something else. The same is true of other
    commands of a shell.
    """
    found = mentions(texts, server, model.name)
    if not server.name or (not texts.program and any(mention.is_own for mention in found)):
        return found
    return own_mentions(found, texts, server, model.name)


def _meant(texts: Texts, server: Server, models: Sequence[Model]) -> Collection[int]:
    """Return which of *models*, by index, its name means.

    Several revisions of one model have the same name, and the same folder in a cache. It means the
    one that the server asks for, which is main if it asks for none; else the first.
    """
    if len({model.name for model in models}) == len(models):
        return range(len(models))
    asked = asked_revision(texts, server) or DEFAULT_REVISION
    found: dict[str, int] = {}
    for i, model in enumerate(models):
        if model.name not in found or (model.source.revision or DEFAULT_REVISION) == asked:
            found[model.name] = i
    return found.values()


def _is_given(texts: Texts, server: Server, model: Model) -> bool:
    """Whether the server reads the path from a variable, and the author names no other model."""
    if not server.env or not has_own_format(server, model):
        return False
    given = {text.name for text in texts.variables} | texts.hidden | texts.options.keys()
    if any(normal(flag) in given for flag in server.model_flags):
        return False
    return any(
        PATH in value or (FILE in value and model.file)
        for name, value in server.env.items()
        if name not in given
    )


def has_own_format(server: Server, model: Model) -> bool:
    """Whether *model* has a format that *server* reads, as far as its name and its source say.

    A store that was filled by hand may have any.
    """
    if not model.laid_by_us:
        return True
    if server.name and REMOTE[model.source.scheme].reader not in ("", server.name):
        return False
    return not server.own_format or bool(re.fullmatch(server.names_of_own_format, model.name))


def reads_file(model: Model, server: Server, flag: str) -> bool:
    """Whether what *flag* names is the one file of *model*, and not its directory.

    Some servers read a file of some formats by the argument that names their model.
    """
    if not model.file or server.reads_file:
        return bool(model.file)
    if not server.file_formats or not model.file.endswith(server.file_formats):
        return False
    return not flag or normal(flag) in map(normal, server.model_flags)


def place_of(mention: Mention, model: Model, path: str, server: Server) -> str:
    """Return what *server* reads of *model*, which is mounted at *path*: that, or one file."""
    return f"{path}/{model.file}" if reads_file(model, server, mention.flag) else path
