"""Read which model a container gives to its server, by its own argument, variable or first word."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from webhook.admission.containers.mentions import Mention, names, runs
from webhook.admission.containers.server import Server, normal
from webhook.admission.containers.shell import said
from webhook.admission.containers.shell_variables import ShellVariables, may_become, names_in
from webhook.admission.containers.texts import Texts, values_behind

SUBSTITUTION: Final = "$(…)"
"""What stands for the output of a command, which is not known before the shell runs it."""


def own_models(texts: Texts, server: Server) -> list[str]:
    """Return what *server* may be given as its own model; empty if that is not seen.

    The variables of a shell are replaced as far as they are known: what is not keeps its $. An
    argument wins over a variable.
    """
    flags = [*filter(None, (*server.model_flags, server.path_flag))]
    if texts.shell:
        given = list(_in_shell(texts.shell, server, flags))
    else:
        given = [texts.options.get(normal(flag), "") for flag in flags]
        given += _first_words(texts, server)
    found = [value for value in given if value and not value.startswith("-")]
    found = found or [value for flag in flags if (value := texts.values.get(flag, ""))]
    return [_shown(value) for value in found]


def serving_verb(texts: Texts, server: Server) -> str:
    """Return the words in the container behind which *server* takes its model; else nothing."""
    several = texts.shell.commands if texts.shell else [[text.text for text in texts.words]]
    for command in several:
        known = said(command, server.commands)
        if known and not known.startswith("-m "):
            return known
    return ""


def own_mentions(
    found: Sequence[Mention], texts: Texts, server: Server, repository: str
) -> list[Mention]:
    """Return those of *found* by which *server* reads the model, of which only some may be its own.

    Others are in variables, or in a shell's text, and may be for another program. A name that the
    shell puts together is found nowhere else.
    """
    own, program = own_models(texts, server), texts.program
    more = frozenset((*map(normal, server.more_flags), *server.line_variables))
    given = (*own, *(value for value, _ in values_behind(more, texts))) if program else own
    if any(names(value, server, repository) for value in given):
        return list(found) or ([Mention(program, "", None, by_shell=True)] if program else [])
    if not own:
        return list(found)
    bare = [value.removeprefix("hf://") for value in own] if program else []
    open_values = [value for value in bare if may_become(value, repository)]
    left = frozenset[str]().union(*map(names_in, open_values))
    return [
        mention
        for mention in found
        if mention.is_download
        or normal(mention.flag) in more
        or (mention.text.name in left)
        or (left and not mention.by_shell and mention.text.field != "env")
    ]


def _in_shell(shell: ShellVariables, server: Server, flags: Sequence[str]) -> Iterator[str]:
    """Yield the words by which a shell's commands name the model of *server*."""
    known = {normal(flag) for flag in flags}
    verbs = {one.split()[-1] for one in server.commands} if server.positional else ()
    for command in [one for one in shell.commands if runs(one, server)] or shell.commands:
        for before, word in pairwise(("", *command)):
            flag, equals, value = word.partition("=")
            if equals and normal(flag) in known:
                yield value
            elif normal(before) in known or (before in verbs and _is_place(word)):
                yield word


def _first_words(texts: Texts, server: Server) -> Iterator[str]:
    """Yield the words behind the verb that starts *server*, if they can be a model or its place."""
    if not server.positional:
        return
    verbs = {command.split()[-1] for command in server.commands}
    words = [text.text for text in texts.words]
    for verb, word in pairwise(words):
        if verb in verbs and _is_place(word):
            yield word
    if words and texts.words[0].field == "args" and _is_place(words[0]):
        yield words[0]  # the image's entrypoint has the verb


def _is_place(word: str) -> bool:
    return not word.startswith("-") and ("/" in word or "$" in word)


def _shown(value: str) -> str:
    """Return *value*; its last $ is all that is left of a $(command), which ends a word."""
    return f"{value[:-1]}{SUBSTITUTION}" if value.endswith("$") else value
