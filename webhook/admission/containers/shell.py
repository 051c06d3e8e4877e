"""Find whole words in the text that a shell reads.

The text is split twice, as it is and with another word in that place. Only if exactly one word
differs, and by exactly that, is the place a word of a simple command.
"""

import shlex
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 32 * 1024
"""Characters of the longest text that is split."""
_OPERATORS: Final = ";&|()<>\n"
_OTHER: Final = "/modelcache-is-here"


@dataclass(frozen=True, slots=True)
class ShellWord:
    """A word of a simple command, and the words of that command."""

    command: tuple[str, ...]
    index: int

    @property
    def before(self) -> str:
        """The word in front of it; empty for the first."""
        return self.command[self.index - 1] if self.index else ""


def shell_word(text: str, start: int, end: int) -> ShellWord | None:
    """Return the word of *text* that has text[start:end]; None if that is not certain."""
    if len(text) > LONGEST:
        return None
    try:
        one = split(text)
        other = split(text[:start] + _OTHER + text[end:])
    except ValueError:
        return None
    if len(one) != len(other):
        return None
    different = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(different) != 1:
        return None
    (at,) = different
    if one[at].replace(text[start:end], _OTHER) != other[at] or set(one[at]) & set("$`*?["):
        return None
    first, last = at, at
    while first and not _is_operator(one[first - 1]):
        first -= 1
    while last + 1 < len(one) and not _is_operator(one[last + 1]):
        last += 1
    return ShellWord(tuple(one[first : last + 1]), at - first)


def commands(text: str) -> list[tuple[str, ...]]:
    """Return the simple commands of *text*; empty if it can't be split."""
    try:
        words = split(text) if len(text) <= LONGEST else []
    except ValueError:
        return []
    found: list[list[str]] = [[]]
    for word in words:
        if _is_operator(word):
            found.append([])
        else:
            found[-1].append(word)
    return [tuple(command) for command in found if command]


def split(text: str) -> list[str]:
    """Return the words and operators of *text*. Raises ValueError for an open quotation."""
    # shlex drops a comment with the end of its line, so another end of line follows.
    joined = text.replace("\\\n", "  ").replace("\n", "\n\n")
    lexer = shlex.shlex(joined, posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    return list(lexer)


def _is_operator(word: str) -> bool:
    return bool(word) and not set(word) - set(_OPERATORS)
