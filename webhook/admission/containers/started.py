"""Read what the commands in front of a server do to its variables.

They may set a variable, remove it, or start the server without the variables of the pod: sudo and
su - do so (sudoers env_reset, su(1) of util-linux).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from webhook.admission.containers.mentions import runs
from webhook.admission.containers.server import Server
from webhook.admission.containers.shell import simple_commands
from webhook.admission.containers.shell_variables import ShellVariables
from webhook.admission.containers.texts import Text, Texts

_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.ASCII | re.DOTALL)
_EXPORTING: Final = frozenset(("export", "declare", "typeset", "readonly", "local"))
_CLEARING: Final[Mapping[str, frozenset[str]]] = {
    "env": frozenset(("-i", "-", "--ignore-environment")),
    "sudo": frozenset(),
    "doas": frozenset(),
    "su": frozenset(("-", "-l", "--login")),
    "runuser": frozenset(("-", "-l", "--login")),
    "exec": frozenset(("-c", "-cl", "-lc")),
    "setpriv": frozenset(("--reset-env",)),
}
"""Program → the options with which it takes the variables away; none if it always does."""
_OF_SU: Final = frozenset(("-m", "-p", "--preserve-environment"))
_KEEPING: Final[Mapping[str, frozenset[str]]] = {
    "sudo": frozenset(("-E", "--preserve-env")),
    "su": _OF_SU,
    "runuser": _OF_SU,
}
"""Program → the options with which the variables stay."""
_LISTS: Final = ("--preserve-env=", "--whitelist-environment=")
_UNSETTING: Final = ("-u", "--unset")
PROGRAMS: Final = frozenset(
    f"{place}{name}" for place in ("", "/bin/", "/usr/bin/", "/usr/sbin/") for name in _CLEARING
)


@dataclass(frozen=True, slots=True)
class Change:
    """A variable that a command sets or removes."""

    value: str | None
    """None: it is removed."""
    text: Text
    is_certain: bool = True
    """Whether it is done whatever happens, so that nothing before it counts."""


@dataclass(frozen=True, slots=True)
class Started:
    """What the commands in front of a server do to its variables."""

    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    """Variable → what may be done to it, in order."""
    cleared_by: str = ""
    """What starts the server without the variables of the pod."""
    passed: frozenset[str] = frozenset()
    """Variables that the server gets all the same."""

    def values(self, name: str) -> Iterator[str]:
        """Yield the values that commands give to a variable."""
        for change in self.changes.get(name, ()):
            if change.value is not None:
                yield change.value

    def lacks(self, name: str) -> bool:
        """Whether the server does not get a variable that the pod has."""
        return bool(self.cleared_by) and name not in self.passed


AS_IS: Final = Started()


def started(texts: Texts, server: Server) -> Started:
    """Return what the words of a container do to the variables of *server*."""
    found = _Reading(texts.shell)
    plain: list[tuple[str, Text]] = []
    for text in texts.words:
        if text.shell:
            found.command(plain)
            plain = []
            simple = simple_commands(text.text)
            known = any(runs(command.words, server) for command in simple)
            for command in simple:
                starts = not known or runs(command.words, server)
                found.is_certain = starts or command.is_certain
                found.command([(word, text) for word in command.words], starts=starts)
                if known and starts:
                    break
            return found.result()
        plain.append((text.text, text))
    found.command(plain)
    return found.result()


class _Reading:
    """What is known after some commands."""

    def __init__(self, variables: ShellVariables | None) -> None:
        self._variables = variables
        self._changes: dict[str, list[Change]] = {}
        self._passed: set[str] = set()
        self._cleared_by = ""
        self.is_certain = True
        """Whether the command that is read runs whatever happens."""

    def result(self) -> Started:
        changes = {name: tuple(found) for name, found in self._changes.items()}
        return Started(changes, self._cleared_by, frozenset(self._passed))

    def command(self, words: list[tuple[str, Text]], *, starts: bool = True) -> None:
        """Read one command. *starts*: whether it may start the server."""
        at = 0
        while at < len(words) and _ASSIGNMENT.fullmatch(words[at][0]):
            at += 1
        rest = words[at:]
        if starts or not rest:  # without a command, a variable of the shell is set
            for word, text in words[:at]:
                self._set(word, text)
        if not rest:
            return
        program = rest[0][0].rpartition("/")[2]
        if program in _EXPORTING:
            for word, text in rest[1:]:
                self._set(word, text)
        elif program == "unset":
            for word, text in rest[1:]:
                self._remove(word, text)
        elif starts:
            self._wrapped(rest)

    def _wrapped(self, words: list[tuple[str, Text]]) -> None:
        """Read the programs that start the server as the command behind them."""
        program = ""
        behind = "", ""
        for word, text in words:
            name = word.rpartition("/")[2]
            if name in _CLEARING and not (program and behind[1] in _UNSETTING):
                program = name
                if not _CLEARING[name]:
                    self._clear(name)
            elif not program:
                continue
            elif word == "--":
                program = ""
            elif word in _CLEARING[program]:
                self._clear(f"{program} {word}")
            elif word in _KEEPING.get(program, ()):
                self._cleared_by = ""
            elif word.startswith(_LISTS):
                self._passed |= set(word.partition("=")[2].split(","))
            elif program == "env" and word.startswith("--unset="):
                self._remove(word.partition("=")[2], text)
            elif program == "env" and behind[1] in _UNSETTING:
                self._remove(word, text)
            elif _ASSIGNMENT.fullmatch(word):
                self._set(word, text)
            elif not word.startswith("-") and program in ("env", "exec"):
                program = ""  # the command, with arguments of its own
            behind = name, word

    def _clear(self, by: str) -> None:
        self._cleared_by = by
        self._passed = set()

    def _set(self, word: str, text: Text) -> None:
        if match := _ASSIGNMENT.fullmatch(word):
            name, value = match.groups()
            self._passed.add(name)
            if value in (f"${name}", f"${{{name}}}"):
                return  # as it is
            values = self._variables.expanded(value) if self._variables else (value,)
            self._changes.setdefault(name, []).extend(
                Change(one, text, self.is_certain and len(values) == 1) for one in values
            )

    def _remove(self, name: str, text: Text) -> None:
        if not name.startswith("-"):
            self._changes.setdefault(name, []).append(Change(None, text, self.is_certain))
