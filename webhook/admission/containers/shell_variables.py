"""Replace the variables of a shell in a word, by what the pod and the shell's text set.

A variable that is set under a condition may have several values. One that comes from a ConfigMap,
a Secret or the image is not known, and stays in the word as it is written.
"""

import re
from collections.abc import Sequence
from itertools import product
from typing import Final

from webhook.admission.containers.shell import commands, split
from webhook.admission.containers.texts import LONGEST, Text, Texts

_PARAMETER: Final = re.compile(r"\$(?:([A-Za-z_]\w*|\d)|\{(\w+)(?::?[-=]([^{}]*))?\})", re.ASCII)
"""$NAME, ${NAME}, ${NAME:-default} and ${NAME:=default}."""
_ANY_PARAMETER: Final = re.compile(r"\$\{?(\w+)", re.ASCII)
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.ASCII | re.DOTALL)
_SETTING: Final = frozenset(("export", "declare", "local", "readonly", "typeset"))
_CONDITIONS: Final = frozenset(("if", "case", "for", "while", "until", "&&", "||", "unset"))
_MOST: Final = 16
"""Values of a word at most; those of a word with more are not known."""


class ShellVariables:
    """What each variable may be where the commands of a shell run."""

    def __init__(self, texts: Texts, program: Text) -> None:
        """*program*: the text that the shell reads."""
        self._values: dict[str, tuple[str, ...]] = {
            name: (value,) for name, value in texts.values.items()
        }
        behind = texts.words[texts.words.index(program) + 1 :]
        self._values |= {str(i): (text.text,) for i, text in enumerate(behind)}
        self.arguments = [text.text for text in behind[1:]]
        """What "$@" stands for: the words behind the text, from the second on."""
        self._unknown = texts.hidden
        self._may_be_set = texts.has_sources
        conditional = not _CONDITIONS.isdisjoint(split(program.text))
        for command in commands(program.text):
            for name, value in _assignments(command):
                before = self._values.get(name, ()) if conditional else ()
                self._values[name] = (*before, *self.expanded(value))[:_MOST]

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
