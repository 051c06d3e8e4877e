"""Arguments that name a model: replaced by its path, on request only.

Exact words are replaced, never parts of one: a shell command line is a program
of its author's, and is left with a remark.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from webhook.decision import Json
from webhook.objects import Container
from webhook.pointer import add, replace
from webhook.servers import Server


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The operations on one container, and whether the first model was found."""

    operations: tuple[Json, ...]
    found: bool
    hidden: bool
    """Whether a longer word, such as a shell command line, contains the model's name."""


def rewrite(
    pointer: str, container: Container, server: Server, paths: Mapping[str, str]
) -> Rewritten:
    """Return how the arguments of *container* name *paths* (model → directory) instead."""
    operations: list[Json] = []
    main: tuple[str, int] | None = None
    words = [*(container.command or ()), *(container.args or ())]
    for field, values in (("command", container.command), ("args", container.args)):
        for i, new in _replacements(values or (), server, paths):
            operations.append(replace(f"{pointer}/{field}/{i}", new))
            named = next((m for m, path in paths.items() if new.endswith(path)), None)
            if main is None and named == next(iter(paths)):
                main = (field, i)
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


def _replacements(
    words: Sequence[str], server: Server, paths: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    before = ""
    for i, word in enumerate(words):
        if word in paths and before in (*server.model_flags, *server.verbs):
            yield i, paths[word]
        else:
            flag, equals, value = word.partition("=")
            if equals and flag in server.model_flags and value in paths:
                yield i, f"{flag}={paths[value]}"
        before = word
