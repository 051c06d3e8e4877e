"""Find whole words in the text that a shell reads.

The text is split twice, as it is and with other words in those places. Only if exactly one word
differs for a place, and by exactly that, is the place a word of a simple command.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

LONGEST: Final = 32 * 1024
"""Characters of the longest text that is split."""
_OPERATORS: Final = ";&|()<>\n"
_OTHER: Final = "/modelcache-is-here-"
_OPENING: Final = frozenset(
    ("if", "then", "elif", "else", "while", "until", "do", "time", "coproc", "!", "{")
)
"""Words of a shell that have a command behind them (2.9.4 of POSIX's Shell Command Language)."""
_DEPTH: Final = {
    **dict.fromkeys(("if", "while", "until", "for", "case", "select", "{"), 1),
    **dict.fromkeys(("fi", "done", "esac", "}"), -1),
}
"""Words that begin and end what may not run, or run more than once."""
_ARRAY: Final = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)
_HASH, _SPACE = "\0", "\1"
"""What stands for a # that begins no comment, and for a space in ${NAME:-…}, which ends no word."""
_IN_BRACES: Final = re.compile(r"\$\{[^{}]* [^{}]*\}")
_INNER_HASH: Final = re.compile(rf"(?<=[^\s{re.escape(_OPERATORS)}])#")
_MARK: Final = re.compile(rf"{_OTHER}(\d+)/")


@dataclass(frozen=True, slots=True)
class ShellWord:
    """A word of a simple command, and the words of that command."""

    command: tuple[str, ...]
    index: int

    @property
    def before(self) -> str:
        """The word in front of it; empty for the first."""
        return self.command[self.index - 1] if self.index else ""


def shell_words(text: str, spans: Sequence[tuple[int, int]]) -> list[ShellWord | None]:
    """Return for each of *spans* the word of *text* that has it; None if that is not certain.

    The text is split twice, whatever the number of spans is.
    """
    unknown: list[ShellWord | None] = [None] * len(spans)
    marked: list[str] = []
    last = 0
    for i, (start, end) in enumerate(spans):
        marked += (text[last:start], f"{_OTHER}{i}/")
        last = end
    one, other = split(text), split("".join((*marked, text[last:])))
    if not one or len(one) != len(other):
        return unknown
    found: dict[int, ShellWord] = {}
    for at, (a, b) in enumerate(zip(one, other, strict=True)):
        marks = _MARK.findall(b)
        if a == b or len(marks) != 1 or set(a) & set("$`*?["):
            continue
        start, end = spans[int(marks[0])]
        if b.replace(f"{_OTHER}{marks[0]}/", text[start:end]) == a:
            found[int(marks[0])] = _word(one, at)
    return [found.get(i) for i in range(len(spans))]


def _word(words: Sequence[str], at: int) -> ShellWord:
    first, last = at, at
    while first and not _is_operator(words[first - 1]):
        first -= 1
    while last + 1 < len(words) and not _is_operator(words[last + 1]):
        last += 1
    return ShellWord(tuple(words[first : last + 1]), at - first)


def said(command: Sequence[str], known: Sequence[str]) -> str:
    """Return the first of *known*, words one after the other, that *command* has; else nothing.

    A program counts by its name, wherever it is.
    """
    words = f" {' '.join([word.rpartition('/')[2] for word in command])} "
    return next((sequence for sequence in known if f" {sequence} " in words), "")


@dataclass(slots=True)
class Command:
    """A simple command."""

    words: list[str]
    depth: int
    """In how many conditions, loops and functions it is."""
    before: str = ""
    """The operator in front of it."""
    after: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether it runs before those that follow it, whatever happens.

        In `a && b && c` it is, since c runs only if b did.
        """
        if self.depth or "||" in self.before:
            return False
        return "&&" not in self.before or "&&" in self.after


def simple_commands(text: str) -> list[Command]:
    """Return the simple commands of *text*; empty if it can't be split.

    `do vllm serve` is the command `vllm serve`. An array of Bash, `A=(one two)`, is a command whose
    first word is `A=(`.
    """
    last = Command([], 0)
    found = [last]
    in_array = False
    for word in split(text):
        words = last.words
        if _is_operator(word):
            if in_array:
                in_array = ")" not in word
            elif word[0] == "(" and words and _ARRAY.fullmatch(words[-1]):
                words[-1] += "("
                last = Command([words.pop()], last.depth, last.before)
                found.append(last)
                in_array = ")" not in word
            if not in_array:
                last.after = last.after or word
                # A line may end behind an operator.
                before = word if words or last.words else last.before + word
                last = Command([], last.depth, before)
                found.append(last)
        elif words == ["function"]:
            words.clear()  # its name, and then its commands
        else:
            if not words:
                last.depth = max(last.depth + _DEPTH.get(word, 0), 0)
            if words or word not in _OPENING:
                words.append(word)
    return [command for command in found if command.words]


def commands(text: str) -> list[tuple[str, ...]]:
    """Return the words of the simple commands of *text*."""
    return [tuple(command.words) for command in simple_commands(text)]


def functions(text: str) -> frozenset[str]:
    """Return the names of the functions that *text* defines."""
    words = split(text)
    pairs = list(pairwise(words))
    return frozenset(
        [name for name, after in pairs if after[:2] == "()"]
        + [name for before, name in pairs if before == "function"]
    )


@lru_cache(maxsize=8)
def split(text: str) -> tuple[str, ...]:
    """Return the words and operators of *text*; empty if it is too long, or a quotation is open."""
    if len(text) > LONGEST:
        return ()
    # shlex drops a comment with the end of its line, so another end of line follows.
    joined = text.replace("\\\n", "  ").replace("\n", "\n\n")
    # A comment begins only where a word can: there is none in ${NAME##*/} (2.3 of POSIX).
    kept = _INNER_HASH.sub(_HASH, _IN_BRACES.sub(_joined, joined))
    lexer = shlex.shlex(kept, posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    try:
        return tuple([word.replace(_HASH, "#").replace(_SPACE, " ") for word in lexer])
    except ValueError:
        return ()


def _joined(match: re.Match[str]) -> str:
    return match[0].replace(" ", _SPACE)


def _is_operator(word: str) -> bool:
    return bool(word) and not set(word) - set(_OPERATORS)
