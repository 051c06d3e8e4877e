"""Read which model a container gives to its server, by its own argument, variable or first word."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from webhook.admission.containers.mentions import runs
from webhook.admission.containers.server import Server, normal
from webhook.admission.containers.shell import commands
from webhook.admission.containers.texts import Texts, by_shell

SUBSTITUTION: Final = "$(…)"
"""What stands for the output of a command, which is not known before the shell runs it."""


def own_models(texts: Texts, server: Server) -> Iterator[str]:
    """Yield what *server* is given as its own model, with the variables of a shell replaced.

    Its arguments come first, and win over its variables.
    """
    behind = _behind_verbs(texts, server) if server.positional else ()
    flags = [*filter(None, (*server.model_flags, server.path_flag))]
    arguments = [texts.options.get(normal(flag), "") for flag in flags]
    given = [value for value in (*arguments, *behind) if value and not value.startswith("-")]
    given = given or [value for flag in flags if (value := texts.values.get(flag, ""))]
    yield from map(_shown, given)


def _behind_verbs(texts: Texts, server: Server) -> Iterator[str]:
    """Yield the words behind the verb that starts *server*, if they can be a model or its place."""
    verbs = {command.split()[-1] for command in server.commands}
    given = {**texts.values, **texts.options}
    plain = [text.text for text in texts.words if not text.shell]
    for verb, word in pairwise(plain):
        if verb in verbs and _is_place(word):
            yield word
    if plain and texts.words[0].field == "args" and _is_place(plain[0]):
        yield plain[0]  # the image's entrypoint has the verb
    for text in texts.words:
        for command in commands(text.text) if text.shell else ():
            if not runs(command, server):
                continue
            for verb, word in pairwise(command):
                if verb in verbs and _is_place(word):
                    yield by_shell(word, given)


def _is_place(word: str) -> bool:
    return not word.startswith("-") and ("/" in word or "$" in word)


def _shown(value: str) -> str:
    """Return *value*; its last $ is all that is left of a $(command), which ends a word."""
    return f"{value[:-1]}{SUBSTITUTION}" if value.endswith("$") else value
