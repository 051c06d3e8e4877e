"""Read what a container runs: its words and variables, with $(NAME) replaced as the kubelet does.

A Text keeps both forms, so that what is found in the expanded one can be replaced in the other.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from webhook.admission.containers.server import normal
from webhook.admission.containers.shell_variables import LONGEST, ShellVariables
from webhook.objects.container import Container

_ALL: Final = 2 * 1024 * 1024
"""Characters of all expanded texts of a container at most (ARG_MAX)."""
_POSITIONAL: Final = re.compile(r"\$(?:(\d)|\{[#!]?(\d{1,4})(?!\d))", re.ASCII)
_ALL_POSITIONAL: Final = re.compile(
    r"\$\{?[#!]?[@*]|\bshift\b|\bgetopts\b|\bfor\s+\w+\s*;?\s*do\b|BASH_ARGV", re.ASCII
)
_SHELLS: Final = frozenset(("sh", "bash", "ash", "dash", "zsh", "ksh"))


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
    unread: bool = False
    """Whether it is behind the program of a shell, which does not use it."""

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
    raw: str, variables: Mapping[str, str], longest: int = LONGEST
) -> tuple[str, tuple[tuple[int, int, int, int], ...]]:
    """Return *raw* with $(NAME) replaced and $$ as $, and the pieces that were replaced.

    A name that is not known stays as it is (expansion.go of Kubernetes). So does all of *raw*, if
    the result has more than *longest* characters.
    """
    found: list[str] = []
    pieces = []
    last = length = at = 0
    closed = True
    while (at := raw.find("$", at)) >= 0:
        end, value = at + 2, None
        if raw.startswith("$", at + 1):
            value = "$"
        elif closed and raw.startswith("(", at + 1):
            closed = (close := raw.find(")", end)) >= 0
            if closed:
                value, end = variables.get(raw[end:close]), close + 1
        if value is not None:
            length += at - last + len(value)
            if length > longest:
                return raw, ()
            found += (raw[last:at], value)
            pieces.append((at, end, length - len(value), length))
            last = end
        at = end
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
    options: Mapping[str, str]
    """Argument, with hyphens, → the word behind it; and variables that a shell command sets. Of
    several, it is the last one."""
    program: Text | None = None
    """The word that a shell reads as a program."""
    shell: ShellVariables | None = None
    """What the variables of that shell may be."""
    every: Mapping[str, Sequence[str]] | None = None
    """Argument of a shell's commands → each value that it may have; None without a shell."""

    def given(self, name: str) -> str:
        """Return the value of an argument or a variable; empty if it has none here."""
        return self.options.get(normal(name)) or self.values.get(name, "")


def texts_of(container: Container) -> Texts:
    """Return the words and variables of *container*."""
    values: dict[str, str] = {}
    hidden = set()
    variables = []
    left = _ALL
    for i, variable in enumerate(container.env or ()):
        if variable.value_from is not None:
            hidden.add(variable.name)
            values.pop(variable.name, None)
            continue
        raw = variable.value or ""
        text, pieces = expanded(raw, values, min(left, LONGEST))
        left -= len(text) if pieces else 0
        values[variable.name] = text
        hidden.discard(variable.name)
        variables.append(Text("env", i, raw, text, pieces, name=variable.name))
    found = []
    for field, raws in (("command", container.command), ("args", container.args)):
        for i, raw in enumerate(raws or ()):
            text, pieces = expanded(raw, values, min(left, LONGEST))
            left -= len(text) if pieces else 0
            found.append((field, i, raw, text, pieces))
    program = program_of([text for _, _, _, text, _ in found])
    unread: frozenset[int] | tuple[()] = ()
    if program is not None and program + 1 < len(found):
        unread = _unread(found[program][3], program + 1, len(found))
    words = tuple(
        Text(*word, shell=i == program, unread=i in unread) for i, word in enumerate(found)
    )
    shell = None
    if program is not None:
        behind = [text.text for text in words[program + 1 :]]
        shell = ShellVariables(
            words[program].text, behind, values, hidden, may_be_set=bool(container.env_from)
        )
    options = _options(words, shell)
    return Texts(
        words,
        tuple(variables),
        values,
        frozenset(hidden),
        {name: values[-1] for name, values in options.items()},
        every=options if shell else None,
        program=None if program is None else words[program],
        shell=shell,
    )


def spoken(words: Sequence[Text], shell: ShellVariables | None) -> Iterator[tuple[str, Text]]:
    """Yield each word with its place; those of a shell's commands too, each command with an end.

    The variables of *shell* are replaced. Words that nothing reads are left out.
    """
    for text in words:
        if text.unread:
            continue
        if not (text.shell and shell):
            yield text.text, text
            continue
        for command in shell.commands:
            for word in command:
                yield word, text
            yield "", text


def values_behind(flags: Collection[str], texts: Texts) -> Iterator[tuple[str, Text]]:
    """Yield the values of *flags*, arguments with hyphens, with their places.

    An argument may have several, and its parts too: that of --flag.part is a value of --flag.
    """
    flag = ""
    for whole, text in spoken(texts.words, texts.shell):
        word, equals, value = whole.partition("=")
        if not whole.startswith("-"):
            flag, value = (flag, whole) if whole else ("", "")
        else:
            flag = word
        if value and normal(flag).partition(".")[0] in flags:
            yield value, text
        if equals and whole.startswith("-"):
            flag = ""


def _options(words: Sequence[Text], shell: ShellVariables | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    flag = ""
    for word, _ in spoken(words, shell):
        name, equals, value = word.partition("=")
        if equals:
            found.setdefault(normal(name), []).append(value)
        elif flag:
            found.setdefault(flag, []).append(word)
        flag = normal(word) if word.startswith("-") and not equals else ""
    if flag:
        found[flag] = [""]
    return found


def _unread(program: str, first: int, end: int) -> frozenset[int]:
    """Return which of the words from *first* to *end*, behind *program*, its shell does not use.

    They are $0, $1 and so on (2.5.2 of POSIX's Shell Command Language).
    """
    used = {first + int(a or b) for a, b in _POSITIONAL.findall(program)}
    if _ALL_POSITIONAL.search(program):
        used |= {*range(first + 1, end)}
    return frozenset(range(first, end)) - used


def program_of(words: Sequence[str]) -> int | None:
    """Return which word a shell reads as a program: that behind its options, if -c is one."""
    in_shell = by_c = value_next = False
    for i, word in enumerate(words):
        if in_shell and value_next:
            value_next = False
        elif in_shell and word[:1] in ("-", "+"):
            # Such as -euo, whose next word is the name of an option.
            short = word.startswith("-") and not word.startswith("--")
            by_c |= short and "c" in word
            value_next = word[1:2] != "-" and word.endswith(("o", "O"))
        elif by_c:
            return i
        else:
            in_shell = word.rpartition("/")[2] in _SHELLS
    return None
