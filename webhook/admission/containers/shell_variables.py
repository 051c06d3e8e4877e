"""Replace the variables of a shell in its commands, by what the pod and the shell's text set.

A variable that is set under a condition may have several values. One that comes from a ConfigMap,
a Secret or the image is not known, and stays in the word as it is written.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from webhook.admission.containers.shell import commands, split

LONGEST: Final = 128 * 1024
"""Characters of an expanded text at most. Linux starts no program with a longer word or variable
(MAX_ARG_STRLEN). Variables that refer to others twice would grow without end."""

_PARAMETER: Final = re.compile(r"\$(?:([A-Za-z_]\w*|\d)|\{(\w+)(?::?[-=]([^{}]*))?\})", re.ASCII)
"""$NAME, ${NAME}, ${NAME:-default} and ${NAME:=default}."""
_ANY_PARAMETER: Final = re.compile(r"\$\{?(\w+)", re.ASCII)
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.ASCII | re.DOTALL)
_SETTING: Final = frozenset(("export", "declare", "local", "readonly", "typeset"))
_CONDITIONS: Final = frozenset(("if", "case", "for", "while", "until", "&&", "||", "unset"))
_MOST: Final = 16
"""Values of a word at most; those of a word with more are not known."""
_ALL: Final = 256 * 1024
"""Characters of all commands at most, of which the others stay as they are written."""


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
        simple = commands(program)
        conditional = not _CONDITIONS.isdisjoint(split(program))
        for command in simple:
            for name, value in _assignments(command):
                before = self._values.get(name, ()) if conditional else ()
                self._values[name] = (*before, *self.expanded(value))[:_MOST]
        self.commands = tuple(self._expanded_commands(simple))
        """The simple commands of the text, with their variables replaced. A command with words of
        several values is there once for each."""

    def _expanded_commands(self, simple: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
        left = _ALL
        for command in simple:
            words = [self._split(word) for word in command]
            number = max(map(len, words))
            size = number * sum(len(one) for word in words for value in word for one in value)
            if number == 1 and size <= left:
                yield tuple(one for word in words for one in word[0])
            elif size <= left:
                for i in range(number):
                    # Values are set together: the second of one with the second of the others.
                    yield tuple(one for word in words for one in word[min(i, len(word) - 1)])
            else:
                yield command
            left -= size

    def _split(self, word: str) -> Sequence[Sequence[str]]:
        """Return the words that *word* may be: a variable alone may be a line of them."""
        if "$" not in word:
            return ((word,),)
        if word in ("$@", "$*"):
            return (self._arguments,)
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
            found = tuple(value or default for value in found)
        if found and name not in self._unknown:
            return found
        if default is None or name in self._unknown or self._may_be_set:
            return (*found, match[0])
        return (default,)


def names_in(word: str) -> frozenset[str]:
    """Return the variables that are left in *word*."""
    return frozenset(_ANY_PARAMETER.findall(word))


def _assignments(command: Sequence[str]) -> list[tuple[str, str]]:
    """Return the variables that *command* sets for those behind it, and their values."""
    words = list(command)
    if words[0] == "for" and words[2:3] == ["in"]:
        return [(words[1], word) for word in words[3:]]
    if words[0] == ":":  # such as : ${NAME:=default}
        found = [m for word in words for m in _PARAMETER.finditer(word)]
        return [(m[2], m[0]) for m in found if "=" in m[0].partition(m[3] or "}")[0]]
    if words[0] in _SETTING:
        words = [word for word in words[1:] if not word.startswith("-")]
    matches = [_ASSIGNMENT.fullmatch(word) for word in words]
    # In front of a program they are set for that program alone.
    return [(m[1], m[2]) for m in matches if m] if all(matches) else []
