"""Replace the variables of a shell in its commands, by what the pod and the shell's text set.

A variable that is set under a condition may have several values. One that comes from a ConfigMap,
a Secret or the image is not known, and stays in the word as it is written.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from webhook.admission.containers.shell import Command, functions, simple_commands

LONGEST: Final = 128 * 1024
"""Characters of an expanded text at most. Linux starts no program with a longer word or variable
(MAX_ARG_STRLEN). Variables that refer to others twice would grow without end."""

_PARAMETER: Final = re.compile(
    r"\$(?:([A-Za-z_]\w*|\d)|\{(\w+)(?::?[-=]([^{}]*)|:?\?[^{}]*)?\})", re.ASCII
)
"""$NAME, ${NAME}, ${NAME:-default}, ${NAME:=default} and ${NAME:?message}."""
_ELEMENTS: Final = re.compile(r"\$\{(\w+)\[[@*]\]\}", re.ASCII)
"""${NAME[@]}, the elements of an array of Bash."""
_ANY_PARAMETER: Final = re.compile(r"\$\{?(\w+)", re.ASCII)
_LEFT: Final = re.compile(r"\$(?:\{[^{}]*\}|\([^()]*\)?|\w+)?", re.ASCII)
"""What is left in a word: of $(command), which ends it, the $ alone."""
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)", re.ASCII | re.DOTALL)
_SETTING: Final = frozenset(("export", "declare", "local", "readonly", "typeset"))
_MOST: Final = 16
"""Values of a word at most; those of a word with more are not known."""
_ALL: Final = 256 * 1024
"""Characters of all values at most, and of all commands. Others stay as they are written."""
_MOST_WORDS: Final = 512
"""Elements of an array at most."""


class ShellVariables:
    """What each variable may be where the commands of a shell run."""

    def __init__(
        self,
        program: str,
        behind: Sequence[str],
        values: Mapping[str, str],
        unknown: Iterable[str],
        *,
        may_be_set: bool,
    ) -> None:
        """*program*: the text that the shell reads; *behind*: the words behind it, from $0 on.

        *values*: those of the container's variables; *unknown*: variables whose value is not in the
        pod; *may_be_set*: whether there may be more of these.
        """
        self._values: dict[str, tuple[str, ...]] = {name: (v,) for name, v in values.items()}
        self._values |= {str(i): (word,) for i, word in enumerate(behind)}
        self._arguments = tuple(behind[1:])
        self._unknown = frozenset(unknown)
        self._may_be_set = may_be_set
        self._arrays: dict[str, tuple[str, ...]] = {}
        self._left = _ALL
        simple = simple_commands(program)
        if called := functions(program):
            before = dict(self._values)
            self._set_all(simple)
            parameters = list(self._parameters(simple, called))
            self._values, self._arrays, self._left = before, {}, _ALL
            for name, found in parameters:
                self._values[name] = (*self._values.get(name, ()), *found)[:_MOST]
        self._set_all(simple)
        self._left = _ALL
        self.commands = tuple(self._expanded_commands(simple))
        """The simple commands of the text, with their variables replaced. A command with words of
        several values is there once for each."""

    def _set_all(self, simple: Iterable[Command]) -> None:
        """Set the variables that the commands set, one after the other.

        What a command sets that may not run is one more value.
        """
        for command in simple:
            words, kept = command.words, not command.is_certain
            if words[0].endswith("=("):
                name, more, _ = words[0].partition("+")
                name = name.removesuffix("=(")
                before = self._arrays.get(name, ()) if kept or more else ()
                self._arrays[name] = (*before, *self._elements(words[1:]))[:_MOST_WORDS]
            elif words[:2] == ["set", "--"]:
                self._arguments = self._elements(words[2:])
                self._values |= {str(i): (one,) for i, one in enumerate(self._arguments, 1)}
            elif words[0] == "unset":
                for name in words[1:]:
                    self._values[name] = (*self._values.get(name, ()), "") if kept else ()
            else:
                self._assign(words, kept=kept)

    def _assign(self, words: Sequence[str], *, kept: bool) -> None:
        for name, more, value in _assignments(words):
            before = self._values.get(name, ())
            found = self._limited(value)
            if words[0] == "for":  # each word of a line is one value
                found = [one for line in found for one in line.split()]
            if more:
                longer = [f"{a}{b}" for a in before or ("",) for b in found]
                found = longer if self._takes(longer) else before
            self._values[name] = (*(before if kept else ()), *found)[:_MOST]

    def _limited(self, word: str) -> Sequence[str]:
        """Return what *word* may be; as it is written, if there is too much already."""
        found = self.expanded(word) if self._left > 0 else (word,)
        return found if self._takes(found) else (word,)

    def _takes(self, values: Sequence[str]) -> bool:
        """Whether there is room for more *values*, which take it."""
        self._left -= sum(map(len, values))
        return self._left > 0 and max(map(len, values), default=0) <= LONGEST

    def _parameters(
        self, simple: Iterable[Command], called: Collection[str]
    ) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield $1, $2 and so on of each call of a function, with what they may be."""
        for command in simple:
            if command.words[0] in called:
                for i, word in enumerate(command.words[1:], 1):
                    yield str(i), self._limited(word)

    def _elements(self, words: Iterable[str]) -> tuple[str, ...]:
        """Return *words* with the elements of arrays in place of these."""
        found: list[str] = []
        for word in words:
            if word in ("$@", "$*"):
                found += self._arguments
            elif (match := _ELEMENTS.fullmatch(word)) and match[1] in self._arrays:
                found += self._arrays[match[1]]
            else:
                found.append(word)
        return tuple(found[:_MOST_WORDS])

    def _expanded_commands(self, simple: Iterable[Command]) -> Iterator[tuple[str, ...]]:
        for command in simple:
            if self._left <= 0 or "$" not in "".join(command.words):
                yield tuple(command.words)
                continue
            words = [self._split(word) for word in self._elements(command.words)]
            for i in range(max(map(len, words), default=0)):
                # Values are set together: the second of one with the second of the others.
                found = tuple(one for word in words for one in word[min(i, len(word) - 1)])
                self._left -= len(found) + sum(map(len, found))
                yield found

    def _split(self, word: str) -> Sequence[Sequence[str]]:
        """Return the words that *word* may be: a variable alone may be a line of them."""
        found = self.expanded(word)
        if not _PARAMETER.fullmatch(word):
            return [(value,) for value in found]
        # A shell does not split it in quotes, but then it is one word, or JSON.
        return [(value,) if value.lstrip()[:1] in ("{", "[") else value.split() for value in found]

    def expanded(self, word: str) -> Sequence[str]:
        """Return what *word* may be; what is not known stays in it, with its $."""
        if "$" not in word:
            return (word,)
        parts: list[Sequence[str]] = []
        last, number = 0, 1
        for match in _PARAMETER.finditer(word):
            found = self._of(match)
            number *= len(found)
            parts += [(word[last : match.start()],), found]
            last = match.end()
        if number > _MOST:
            return (word,)
        whole = ["".join(one) for one in product(*parts, (word[last:],))]
        return whole if max(map(len, whole)) <= LONGEST else (word,)

    def _of(self, match: re.Match[str]) -> Sequence[str]:
        name, default = match[1] or match[2], match[3]
        found: tuple[str, ...] = self._values.get(name, ())
        if default is not None:
            defaults = self.expanded(default)
            found = tuple(one for value in found for one in ((value,) if value else defaults))
        if found and name not in self._unknown:
            return found
        if default is None or name in self._unknown or self._may_be_set:
            return (*found, match[0])
        return self.expanded(default)


def may_become(word: str, value: str) -> bool:
    """Whether *word* may be *value* when what is left in it has been replaced."""
    pattern, last = "", 0
    for match in _LEFT.finditer(word):
        # ${NAME##*/} is the last part of a path.
        any_text = "[^/]*" if "##*/" in match[0] else ".*"
        pattern += re.escape(word[last : match.start()]) + any_text
        last = match.end()
    return re.fullmatch(pattern + re.escape(word[last:]), value, re.DOTALL) is not None


def names_in(word: str) -> frozenset[str]:
    """Return the variables that are left in *word*."""
    return frozenset(_ANY_PARAMETER.findall(word))


def _assignments(command: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return the variables that *command* sets for those behind it, + to append, and the values."""
    words = list(command)
    if words[0] == "for" and words[2:3] == ["in"]:
        return [(words[1], "", word) for word in words[3:]]
    if words[0] == ":":  # such as : ${NAME:=default}
        found = [m for word in words for m in _PARAMETER.finditer(word)]
        return [(m[2], "", m[0]) for m in found if "=" in m[0].partition(m[3] or "}")[0]]
    if words[0] in _SETTING:
        words = [word for word in words[1:] if not word.startswith("-")]
    matches = [_ASSIGNMENT.fullmatch(word) for word in words]
    # In front of a program they are set for that program alone.
    return [(m[1], m[2], m[3]) for m in matches if m] if all(matches) else []
