"""Read what a container runs: its words and variables, with $(NAME) replaced as the kubelet does.

A Text keeps both forms, so that what is found in the expanded one can be replaced in the other.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from webhook.objects.container import Container

_REFERENCE: Final = re.compile(r"\$\$|\$\(([^)\s]*)\)")
_SHELLS: Final = frozenset(("sh", "bash", "ash", "dash", "zsh", "ksh"))
_PROGRAM_NEXT: Final = re.compile(r"-[a-zA-Z]*c")


@dataclass(frozen=True, slots=True)
class Text:
    """One word or the value of one variable."""

    field: str
    """command, args or env."""
    index: int
    raw: str
    """As it is written in the pod."""
    text: str
    """With each $(NAME) replaced (expansion.go of Kubernetes)."""
    pieces: tuple[tuple[int, int, int, int], ...] = ()
    """Of each replacement: start and end in *raw*, start and end in *text*."""
    name: str = ""
    """The name of the variable, for env."""
    shell: bool = False
    """Whether a shell reads it as a program."""

    @property
    def place(self) -> str:
        """The place, for people: args[2], or the variable."""
        return f"env {self.name}" if self.field == "env" else f"{self.field}[{self.index}]"

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Return where text[start:end] is in *raw*; None if it has no such place of its own."""
        found = self._raw(start, end_of=False), self._raw(end, end_of=True)
        return None if None in found else (found[0] or 0, found[1] or 0)

    def _raw(self, at: int, *, end_of: bool) -> int | None:
        shift = 0
        for raw_start, raw_end, start, end in self.pieces:
            if at < start or (at == start and end_of):
                break
            if at == start and not end_of:
                return raw_start
            if at < end:
                return None
            shift = raw_end - end
        return at + shift


def expanded(
    raw: str, variables: Mapping[str, str]
) -> tuple[str, tuple[tuple[int, int, int, int], ...]]:
    """Return *raw* with $(NAME) replaced and $$ as $, and the pieces that were replaced.

    A name that is not known stays as it is.
    """
    if "$" not in raw:
        return raw, ()
    found: list[str] = []
    pieces = []
    last = length = 0
    for match in _REFERENCE.finditer(raw):
        name = match[1]
        value = "$" if name is None else variables.get(name)
        if value is None:
            continue
        literal = raw[last : match.start()]
        length += len(literal)
        found += (literal, value)
        pieces.append((match.start(), match.end(), length, length + len(value)))
        length += len(value)
        last = match.end()
    return "".join((*found, raw[last:])), tuple(pieces)


@dataclass(frozen=True, slots=True)
class Texts:
    """The words and variables of a container."""

    words: tuple[Text, ...]
    variables: tuple[Text, ...]
    values: Mapping[str, str]
    """Variable → its value, for those whose value is written in the pod."""
    hidden: frozenset[str]
    """Variables whose value is not in the pod: it comes from a Secret, a ConfigMap or a field."""


def texts_of(container: Container) -> Texts:
    """Return the words and variables of *container*."""
    values: dict[str, str] = {}
    hidden = set()
    variables = []
    for i, variable in enumerate(container.env or ()):
        if variable.value_from is not None:
            hidden.add(variable.name)
            values.pop(variable.name, None)
            continue
        raw = variable.value or ""
        text, pieces = expanded(raw, values)
        values[variable.name] = text
        hidden.discard(variable.name)
        variables.append(Text("env", i, raw, text, pieces, name=variable.name))
    words: list[Text] = []
    after_shell = program = False
    for field, raws in (("command", container.command), ("args", container.args)):
        for i, raw in enumerate(raws or ()):
            text, pieces = expanded(raw, values)
            words.append(Text(field, i, raw, text, pieces, shell=program))
            program = after_shell and _PROGRAM_NEXT.fullmatch(text) is not None
            is_shell = text.rpartition("/")[2] in _SHELLS
            after_shell = is_shell or (after_shell and text.startswith("-") and not program)
    return Texts(tuple(words), tuple(variables), values, frozenset(hidden))
