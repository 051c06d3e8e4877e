"""Find other models that a container names: adapters, drafts, tokenizers that nobody annotated."""

from collections.abc import Iterator
from typing import Final

from webhook.admission.containers.mentions import HUB_PROGRAMS, document_of, runs, strings
from webhook.admission.containers.server import Server, normal
from webhook.admission.containers.texts import Text, Texts, values_behind
from webhook.models.source import REPOSITORY

_MODEL_KEYS: Final = frozenset(
    ("model", "path", "model_id", "draft_model", "tokenizer", "lora_path")
)
"""Keys of JSON whose value names a model to load."""


def others(texts: Texts, server: Server, known: frozenset[str]) -> list[tuple[str, Text]]:
    """Return hub names that a known server is given to load, except *known*, and their places."""
    found: dict[str, Text] = {}
    for name, text in (*_behind_flags(texts, server), *_in_commands(texts, server)):
        if name not in known:
            found.setdefault(name, text)
    # An argument wins over a variable.
    own = server.model_flags
    unread = own if any(normal(flag) in texts.options for flag in own) else ()
    for text in texts.variables:
        if text.name in server.loads and text.name not in unread:
            for name in _names(text.text):
                if name not in known:
                    found.setdefault(name, text)
    return list(found.items())


def _behind_flags(texts: Texts, server: Server) -> Iterator[tuple[str, Text]]:
    """Yield the names that are values of arguments that load models."""
    for value, text in values_behind(server.loads, texts):
        for name in _names(value):
            yield name, text


def _in_commands(texts: Texts, server: Server) -> Iterator[tuple[str, Text]]:
    """Yield the names that commands of a shell are given without an argument."""
    for text in texts.words:
        for command in texts.shell.commands if text.shell and texts.shell else ():
            if name := _positional(command, server):
                yield name, text


def _positional(command: tuple[str, ...], server: Server) -> str | None:
    """Return the hub name that a command which serves or downloads has behind its verb."""
    for i, word in enumerate(command[:-1]):
        is_verb = word in ("serve", "download") and i > 0
        program = command[i - 1].rpartition("/")[2] if i else ""
        serves = server.positional and runs(command, server)
        if is_verb and (serves or program in HUB_PROGRAMS):
            return command[i + 1] if REPOSITORY.fullmatch(command[i + 1]) else None
    return None


def _names(value: str) -> Iterator[str]:
    """Yield what looks like the name of a repository: the whole, or in JSON, or in a list."""
    document = document_of(value)
    if document is not None:
        yield from (
            text
            for key, text in strings(document)
            if key in _MODEL_KEYS and REPOSITORY.fullmatch(text)
        )
        return
    for entry in value.split(","):
        name = entry.rpartition("=")[2].strip()
        if REPOSITORY.fullmatch(name):
            yield name
