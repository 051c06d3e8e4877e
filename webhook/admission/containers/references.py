"""Find the places at which a container names the path of a model: as it is, or by our variables."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from webhook.admission import codes
from webhook.admission.containers.texts import Text, Texts
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest
from webhook.admission.request.model import Model
from webhook.objects import names

_BEGINNING: Final = "MODELCACHE_"
_REFERENCE: Final = re.compile(
    r"(?:(?<!\$)(?:\$\$)*\$\(|\$\{?)"
    rf"(({names.PATH_VARIABLE}|{names.FILE_VARIABLE})(?:_([0-9]+))?)(?!\w)(?!:?-)",
    re.ASCII,
)
"""One of our variables. Kubernetes writes $$( as a plain $( (expansion.go); a shell expands $NAME
and ${NAME}, and ${NAME:-default} has a default."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where a model is mounted as a directory, and the variable that says so."""

    index: int
    path: str
    is_meant: bool = True
    """Whether its name means it, and no other revision of it that the pod has too."""

    @property
    def variable(self) -> str:
        """The variable with the path."""
        return names.path_variable(self.index)

    def variables(self, model: Model) -> Mapping[str, str]:
        """Return the variables that say where *model* is, with their values."""
        found = {self.variable: self.path}
        if model.file:
            found[names.file_variable(self.index)] = f"{self.path}/{model.file}"
        return found


def is_own(variable: str, texts: Texts) -> bool:
    """Whether the author has set a variable of ours. It has another value then."""
    return variable in texts.values or variable in texts.hidden


def names_path(texts: Texts, where: Where, model: Model) -> bool:
    """Whether a word or a variable is the path of *model*, or a place below it."""
    path, pattern = where.path, None
    refers = False
    for text in (*texts.words, *texts.variables):
        refers = refers or _BEGINNING in text.raw
        if path in text.text and not (text.unread or text.name.startswith(_BEGINNING)):
            pattern = pattern or re.compile(rf"(?<![\w./-]){re.escape(path)}(?![\w.-])")
            if pattern.search(text.text):
                return True
    if not refers:
        return False
    ours = where.variables(model)
    return any(
        match[1] in ours
        and match[1] not in texts.hidden
        and texts.values.get(match[1], ours[match[1]]) == ours[match[1]]
        for text in (*texts.words, *texts.variables)
        for match in _references(text)
    )


def _references(text: Text) -> Iterator[re.Match[str]]:
    """Yield each reference to one of our variables.

    Nothing replaces $NAME in a word of a command that no shell reads.
    """
    if _BEGINNING not in text.raw or text.unread or text.name.startswith(_BEGINNING):
        return
    by_shell = text.shell or text.field == "env"
    for match in _REFERENCE.finditer(text.raw):
        if by_shell or match[0].endswith(f"({match[1]}"):
            yield match


def unset_variables(
    container: str, texts: Texts, request: CacheRequest
) -> Iterator[tuple[int, Problem]]:
    """Yield a warning for each of our variables that a container names and does not get.

    Each with the index of the model that the variable is of.
    """
    said = set()
    for text in (*texts.words, *texts.variables):
        if _BEGINNING not in text.raw:
            continue
        for match in _references(text):
            name, index = match[1], int(match[3] or 1) - 1
            its_own = name in texts.values or name in texts.hidden or name in texts.options
            remedy = _remedy(request, index, is_file=match[2] == names.FILE_VARIABLE)
            if remedy and not its_own and name not in said:
                said.add(name)
                what = f"{text.place} refers to {name}, which this container does not get: {remedy}"
                yield index, Problem(codes.UNSET_VARIABLE, f"container {container}", what)


def _remedy(request: CacheRequest, index: int, *, is_file: bool) -> str:
    """Return what to write so that the variable of a model is set; empty if it is."""
    models, layout = request.models, f"{PREFIX}layout"
    if index not in range(len(models)):
        known = f"{len(models)} model" + ("s" if models[1:] else "")
        return f"{PREFIX}model has {known}: add the one that it means, or correct its number"
    if request.options.layout == "hf-cache":
        auto = f"set {layout} to auto, which also mounts plain files"
        return auto if is_file else f"write {models[index].name} in its place, or {auto}"
    if is_file and not models[index].file:
        return f"set {PREFIX}file to the file that it means"
    return ""
