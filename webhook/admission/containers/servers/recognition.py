"""Recognise which server a container runs: by its command, else by its image.

A command is read word by word, behind wrappers and in the text of a shell. What a command plainly
runs counts more than the image, since images of servers also run routers, clients and downloads.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from webhook.admission.containers.server import Server, image_pattern
from webhook.admission.containers.servers import BY_KEY, OTHER, SERVERS, UNKNOWN, not_servers
from webhook.admission.containers.shell import commands
from webhook.admission.containers.texts import program_of
from webhook.objects.container import Container

WRAPPERS: Final = frozenset((
    "exec", "env", "nohup", "nice", "ionice", "time", "timeout", "tini", "dumb-init", "sudo",
    "gosu", "su-exec", "setpriv", "stdbuf", "numactl", "mpirun", "srun", "nsys", "profile",
    "trtllm-llmapi-launch", "vault-env", "linkerd-await", "argoexec", "emissary", "catatonit",
    "nvidia_entrypoint.sh", "uv", "run", "opentelemetry-instrument", "ddtrace-run", "eval",
))  # fmt: skip
"""Programs that run the command behind them."""
_QUIET: Final = frozenset((
    "set", "export", "unset", "cd", "source", ".", "echo", "printf", "mkdir", "ulimit", "true",
    "wait", ":", "fi", "done", "}", "for", "case", "esac", "select", "function", "test", "[", "[[",
    "pip", "pip3", "apt-get", "apt", "chmod", "chown", "ls", "cat", "date", "env", "exit", "trap",
))  # fmt: skip
"""Commands of a shell that neither serve nor replace a server."""
_OPTION: Final = re.compile(r"-.*|\d+[smhd]?|\w+=.*", re.DOTALL)
_LONGEST: Final = 4096
"""Characters of the longest command that is remembered."""


class _Images(NamedTuple):
    """The images that match one pattern, and not another."""

    those: re.Pattern[str]
    others: re.Pattern[str] | None

    def has(self, image: str) -> bool:
        """Whether *image*, without digest, is one of them."""
        if not self.those.fullmatch(image):
            return False
        return self.others is None or not self.others.fullmatch(image)


def _images(those: Sequence[str], others: Sequence[str]) -> _Images:
    return _Images(
        re.compile(image_pattern(those)), re.compile(image_pattern(others)) if others else None
    )


_ROWS: Final = tuple((_images(row.images, row.other_images), row) for row in SERVERS)
_NOT_SERVERS: Final = _images(not_servers.IMAGES, not_servers.OTHER_IMAGES)


def _as_run(row: Server, command: str) -> Server:
    """Return *row* as *command* runs it."""
    if command not in row.ignoring_words:
        return row
    return replace(row, positional=False, ignores_words=True)


_BY_WORD: Final[dict[str, list[tuple[tuple[str, ...], Server]]]] = {}
"""First word → the sequences that begin with it, longest first, and what they run."""
for _row in SERVERS:
    for _command in _row.commands:
        _words = tuple(_command.split())
        _BY_WORD.setdefault(_words[0], []).append((_words, _as_run(_row, _command)))
for _command in not_servers.COMMANDS:
    _words = tuple(_command.split())
    _BY_WORD.setdefault(_words[0], []).append((_words, UNKNOWN))
for _sequences in _BY_WORD.values():
    _sequences.sort(key=lambda entry: -len(entry[0]))


@lru_cache(maxsize=1024)
def server_of_image(image: str) -> Server:
    """Return the server that *image* runs, or UNKNOWN."""
    named = image.partition("@")[0]
    if _NOT_SERVERS.has(named):
        return UNKNOWN
    row = next((row for images, row in _ROWS if images.has(named)), UNKNOWN)
    if row.old_builds and re.fullmatch(row.old_builds, named):
        return _OLD[row.name]
    return row


_OLD: Final = {row.name: replace(row, cache=None) for row in SERVERS if row.old_builds}


@lru_cache(maxsize=1024)
def only_looks_like_server(image: str) -> bool:
    """Whether *image* is known to serve no model, though its name is like that of a server."""
    return _NOT_SERVERS.has(image.partition("@")[0])


def server_of(container: Container, named: str | None = None) -> Server:
    """Return the server that *container* runs, or UNKNOWN.

    *named*: what the author says, in the annotation `server`.
    """
    if named is not None:
        return UNKNOWN if named == OTHER else BY_KEY[named]
    by_image = server_of_image(container.image) if container.image else UNKNOWN
    words = (*(container.command or ()), *(container.args or ()))
    if by_image.entrypoint and not container.command:
        words = (by_image.entrypoint, *words)
    if not words:
        return by_image
    read = _remembered if sum(map(len, words)) <= _LONGEST else _runs
    found, plainly_other = read(words)
    if found:
        # A server whose models are named elsewhere often starts one that names its model.
        best = min(found, key=lambda row: (row.named_elsewhere, row.name != by_image.name))
        same = best.name == by_image.name or best.commands == by_image.commands
        return by_image if same and not best.ignores_words else best
    return UNKNOWN if plainly_other else by_image


def _runs(words: tuple[str, ...]) -> tuple[list[Server], bool]:
    """Return the servers that a command starts, and whether it plainly runs something else."""
    found: list[Server] = []
    others, unclear = False, False
    for command in _simple_commands(words):
        match = _match(command)
        if match is UNKNOWN:
            others = True
        elif match:
            found.append(match)
        elif command and command[0].rpartition("/")[2] not in _QUIET:
            unclear = True
    return found, others and not unclear


_remembered = lru_cache(maxsize=256)(_runs)


def _simple_commands(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    program = program_of(words)
    if program is None:
        yield words
    else:
        yield from commands(words[program])


def _match(command: Sequence[str]) -> Server | None:
    """Return what *command* runs; UNKNOWN: no server; None: that is not known."""
    at = _program(command)
    if at < len(command) and command[at].rpartition("/")[2] in _QUIET:
        return None
    for i, word in enumerate(command):
        for sequence, row in _BY_WORD.get(word.rpartition("/")[2], ()):
            if len(sequence) == 1 and i != at:
                continue  # one word may be any value
            if tuple(command[i + 1 : i + len(sequence)]) == sequence[1:]:
                return row
    return None


def _program(command: Sequence[str]) -> int:
    """Return the index of the program that *command* runs, behind variables and wrappers."""
    at = 0
    while at < len(command):
        word = command[at]
        if word.rpartition("/")[2] not in WRAPPERS and not _OPTION.fullmatch(word):
            return at
        at += 1
    return at
