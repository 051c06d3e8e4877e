"""Replace arguments that name a model by its path, if the author requests it.

Only whole words are replaced. A shell command line is one long word: it is left as it is,
with a remark.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from webhook.admission.containers.servers import Server
from webhook.objects.container import Container
from webhook.objects.json import Json
from webhook.objects.json_patch import add, replace


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The operations on one container, and whether its first model was found."""

    operations: tuple[Json, ...]
    found: bool
    hidden: bool
    """Whether a longer word, such as a shell command line, contains the model's name."""


def rewrite(
    pointer: str, container: Container, server: Server, paths: Mapping[str, str]
) -> Rewritten:
    """Return operations that replace models by their directories in the arguments.

    *paths*: model → directory.
    """
    operations: list[Json] = []
    main: tuple[str, int] | None = None
    words = [*(container.command or ()), *(container.args or ())]
    before = ""
    for field, values in (("command", container.command), ("args", container.args)):
        for i, word in enumerate(values or ()):
            if (found := _replacement(before, word, server, paths)) is not None:
                model, new = found
                operations.append(replace(f"{pointer}/{field}/{i}", new))
                if main is None and model == next(iter(paths)):
                    main = (field, i)
            before = word
    flag = server.served_name_flag
    if main and flag and not any(w == flag or w.startswith(flag + "=") for w in words):
        field, i = main
        operations += [
            add(f"{pointer}/{field}/{i + 1}", flag),
            add(f"{pointer}/{field}/{i + 2}", next(iter(paths))),
        ]
    hidden = any(model in word and model != word for word in words for model in paths)
    already = any(path in word for word in words for path in paths.values())
    return Rewritten(tuple(operations), bool(main) or already, hidden and not main)


def _replacement(
    before: str, word: str, server: Server, paths: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return the model that *word* names, and the word to write instead; None if it names none.

    *before*: the word in front of it.
    """
    if word in paths and before in (*server.model_flags, *server.verbs):
        return word, paths[word]
    flag, equals, value = word.partition("=")
    if equals and flag in server.model_flags and value in paths:
        return value, f"{flag}={paths[value]}"
    return None
