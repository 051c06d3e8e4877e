"""Find every place at which a container names a model by its hub name.

A name may be a whole word, the value of an option (`--model=org/name`), a string in JSON, an entry
of a list (`name=org/adapter`), a word of a shell command, or the value of a variable.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from webhook.admission.containers.server import Server, normal
from webhook.admission.containers.shell import commands, said, shell_words
from webhook.admission.containers.texts import Text, Texts

SERVED_NAMES: Final = ("--served-model-name", "--served-name", "--model-alias", "--alias")
"""Arguments of unknown servers that set a name, and load nothing."""
GENERIC_FLAGS: Final = (
    "--model", "--model-id", "--model-path", "--model-name-or-path", "--tokenizer",
    "--pretrained-model-name-or-path", "-m",
)  # fmt: skip
"""Arguments that name a model in most programs."""
HUB_PROGRAMS: Final = ("hf", "huggingface-cli")
"""Programs that download from the hub."""
_NAME_KEYS: Final = frozenset(
    ("name", "lora_name", "served_model_name", "base_model_name", "model_name", "alias")
)
"""Keys of JSON whose value is a name in the API."""
_SCHEME: Final = re.compile(r"(?i:(?:hf|huggingface)://)")
"""What may stand in front of the name."""
_ENDS: Final = re.compile(r"[@:][\w.+-]+", re.ASCII)
"""What may follow the name: a revision or a quantisation. A path can't have it."""
_SEPARATORS: Final = re.compile(r"[,;]")
_COMMENT: Final = re.compile(r"""(?:[^'"#]|\S#)*(?:^|\s)#|#""")
_CALL: Final = re.compile(r"(?:snapshot|hf_hub)_download\s*\([^)]*")
"""A call of huggingface_hub in Python that downloads."""
_OPTION: Final = re.compile(r"(?:^|\s)--?[a-zA-Z]")


@dataclass(frozen=True, slots=True)
class Mention:
    """A place at which a container names a model."""

    text: Text
    flag: str
    """The argument or variable that names it; empty for a word without one."""
    span: tuple[int, int] | None
    """Where a path can replace the name in the raw text; None if that is not certain."""
    by_shell: bool = False
    """Whether a shell splits the text into words."""
    flag_text: Text | None = None
    """The word in front of it, if that is the argument."""
    is_download: bool = False
    """Whether a command or a line of Python downloads it into a directory of its own."""
    is_own: bool = True
    """Whether it is in the words of the server: not in a variable, which another program may read,
    nor in another command of a shell."""


def mentions(texts: Texts, server: Server, repository: str) -> list[Mention]:
    """Return the places at which *repository* is named to be loaded."""
    found: list[Mention] = []
    before: Text | None = None
    referenced: set[str] = set()
    for text in texts.words:
        if text.unread:
            continue
        referenced |= {text.raw[start + 2 : end - 1] for start, end, _, _ in text.pieces}
        if repository in text.text:
            found += _in_word(text, before, server, repository)
        before = text
    for text in texts.variables:
        if text.name in referenced or repository not in text.text or _is_name(text.name, server):
            continue
        found += _in_variable(text, server, repository)
    return found


def _in_variable(text: Text, server: Server, repository: str) -> Iterator[Mention]:
    if text.name in server.line_variables:
        yield from _in_shell(text, server, repository, line=True)
        return
    values = list(_values(text.text, server, repository))
    for value in values:
        certain = value.certain and text.name in server.loads and not server.path_flag
        span = text.span(*value.span) if certain else None
        yield Mention(text, text.name, span, is_own=False)
    if not values and _OPTION.search(text.text) and _bounded(text.text, repository):
        # Arguments, which a script takes from it.
        yield Mention(text, text.name, None, is_own=False)


def _in_word(text: Text, before: Text | None, server: Server, repository: str) -> Iterator[Mention]:
    if text.shell:
        yield from _in_shell(text, server, repository)
        return
    flag, equals, value = text.text.partition("=")
    flag_text = None
    if not (equals and flag.startswith("-")):
        flag_text = before if before and before.text.startswith("-") else None
        flag, value, equals = (flag_text.text if flag_text else ""), text.text, ""
    if _is_name(flag, server):
        return
    shift = len(text.text) - len(value)
    if not flag and server.ignores_words:
        return
    values = list(_values(value, server, repository))
    if not values and document_of(value) is None and (spans := _bounded(value, repository)):
        yield Mention(text, flag, None, is_download=_in_download(value, spans[0]))
    for found in values:
        start, end = found.span
        certain = found.certain and _may_be_replaced(flag, server)
        if server.path_flag:  # the argument must change too
            certain &= flag_text is not None and flag in server.model_flags
        span = text.span(start + shift, end + shift) if certain else None
        yield Mention(text, flag, span, flag_text=flag_text)


def _in_shell(
    text: Text, server: Server, repository: str, *, line: bool = False
) -> Iterator[Mention]:
    """Yield the mentions in the text of a shell, or in a *line* of arguments alone."""
    spans = [span for span in _bounded(text.text, repository) if not _in_comment(text, span[0])]
    several = not line and sum(runs(one, server) for one in commands(text.text)) > 1
    for (start, end), word in zip(spans, shell_words(text.text, spans), strict=True):
        if word is None:
            into = _in_download(text.text, (start, end))
            yield Mention(text, "", None, by_shell=True, is_download=into)
            continue
        if _downloads(word.command):
            yield Mention(text, "", None, by_shell=True, is_download=True)
            continue
        whole = word.command[word.index]
        flag, equals, _ = whole.partition("=")
        if not equals:
            flag = word.before if word.before.startswith("-") else ""
        if _is_name(flag, server) or (not flag and server.ignores_words):
            continue
        value = whole.partition("=")[2] if equals else whole
        certain = (
            (line or (runs(word.command, server) and not several))
            and (not equals or flag.startswith("-"))
            and _is_value(value, server, repository, end - start)
            and not server.path_flag
            and _may_be_replaced(flag, server)
        )
        into = _in_download(text.text, (start, end))
        own = line or into or runs(word.command, server)
        span = text.span(start, end) if certain else None
        yield Mention(text, flag, span, by_shell=True, is_download=into, is_own=own)


def _in_comment(text: Text, at: int) -> bool:
    """Whether text[at] is in a comment of the shell. A # in quotes begins none."""
    line = text.text[text.text.rfind("\n", 0, at) + 1 : at]
    return bool(_COMMENT.match(line))


def _downloads(command: tuple[str, ...]) -> bool:
    """Whether *command* downloads into a directory that the cache does not serve."""
    arguments = {word.partition("=")[0] for word in command}
    return "--local-dir" in arguments and bool(said(command, HUB_PROGRAMS))


def _in_download(text: str, span: tuple[int, int]) -> bool:
    """Whether a call of huggingface_hub downloads text[span] into a directory of its own."""
    if "local_dir" not in text:
        return False
    return any(
        call.start() < span[0] and span[1] <= call.end() and "local_dir" in call[0]
        for call in _CALL.finditer(text)
    )


def runs(command: Sequence[str], server: Server) -> bool:
    """Whether *command* starts *server*."""
    return bool(said(command, server.commands))


def _may_be_replaced(flag: str, server: Server) -> bool:
    """Whether a path may stand behind *flag*: it is known to name a model."""
    if not server.name:
        return normal(flag) in GENERIC_FLAGS
    if not flag:
        return server.positional
    return normal(flag).partition(".")[0] in server.loads


def _is_name(flag: str, server: Server) -> bool:
    """Whether *flag*, an argument or a variable, sets a name in the API and loads nothing."""
    if not flag.startswith("-"):
        return "SERVED" in flag or flag == server.served_name_variable
    return normal(flag) in (server.names if server.name else SERVED_NAMES)


@dataclass(frozen=True, slots=True)
class Value:
    """Where a text has the name of a model as a value."""

    span: tuple[int, int]
    certain: bool = True
    """Whether a path can be there: not in front of a revision or a quantisation, unless the server
    takes the path of what these name."""


def names(value: str, server: Server, repository: str) -> bool:
    """Whether *value* is the name of the model, or has it in JSON or in a list."""
    return any(True for _ in _values(value, server, repository))


def _values(value: str, server: Server, repository: str) -> Iterator[Value]:
    """Yield where *value* has the name as a value: the whole of it, in JSON, or in a list."""
    if document_of(value) is not None:
        yield from _in_json(value, repository)
        return
    at = 0
    for entry in _SEPARATORS.split(value):
        name = entry.rpartition("=")[2].strip()
        start = at + len(entry) - len(entry[entry.rfind("=") + 1 :].lstrip())
        scheme = _SCHEME.match(name)
        rest = name[scheme.end() :] if scheme else name
        if rest.startswith(repository):
            behind = rest[len(repository) :]
            whole = server.names_revisions
            end = start + len(name) - (0 if whole else len(behind))
            if _may_end_in_slash(repository) and behind == "/":
                behind, end = "", start + len(name)
            if not behind or _ENDS.fullmatch(behind):
                yield Value((start, end), certain=whole or not behind)
        at += len(entry) + 1


def _may_end_in_slash(repository: str) -> bool:
    """Whether *repository* with a slash behind it is the same: a URI, which names a directory."""
    return "://" in repository


def _is_value(value: str, server: Server, repository: str, length: int) -> bool:
    """Whether *value* has the name once or more, and a path can be in place of *length* of it."""
    found = list(_values(value, server, repository))
    return bool(found) and all(one.certain and one.span[1] - one.span[0] == length for one in found)


def document_of(value: str) -> Any:  # noqa: ANN401  # any JSON
    """Return what *value* holds as JSON, if that is an object or a list; None for other texts."""
    if value.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _in_json(value: str, repository: str) -> Iterator[Value]:
    literal = json.dumps(repository)
    for match in re.finditer(rf'(?:"([^"\\]*)"\s*:\s*)?(?<!\\){re.escape(literal)}(?!\s*:)', value):
        if match[1] not in _NAME_KEYS:
            yield Value((match.end() - len(literal) + 1, match.end() - 1))


def strings(document: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401  # any JSON
    """Yield each string of a JSON document that is a value, with its key."""
    left = [("", document)]  # without recursion: documents may be deep
    while left:
        key, value = left.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, dict):
            left += reversed(value.items())
        elif isinstance(value, list):
            left += [(key, item) for item in reversed(value)]


def _bounded(text: str, repository: str) -> list[tuple[int, int]]:
    """Return where *text* has the name: not in a longer one or a path, nor in front of =."""
    # "${MODEL:-org/name}" is a default of the shell.
    name = re.escape(repository) + ("/?" if _may_end_in_slash(repository) else "")
    pattern = rf"(?:(?<![\w./$-])|(?<=:-))(?:{_SCHEME.pattern})?{name}(?![\w/=-]|\.\w)"
    return [match.span() for match in re.finditer(pattern, text)]
