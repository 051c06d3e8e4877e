"""Write CEL, the language of policies: texts, lists, patterns."""

from collections.abc import Iterable
from string import Formatter


def text(value: str) -> str:
    """Return CEL of a text."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def texts(values: Iterable[str]) -> str:
    """Return CEL of a list of texts."""
    return f"[{', '.join(map(text, values))}]"


def filled(template: str, **fields: str) -> str:
    """Return CEL of a text: *template*, as for str.format, with *fields*, each CEL of a text."""
    parts = []
    for literal, field, _, _ in Formatter().parse(template):
        parts += [text(literal)] if literal else []
        parts += [fields[field]] if field else []
    return " + ".join(parts)


def matches(subject: str, pattern: str) -> str:
    """Return CEL: whether a whole text matches *pattern*, which Python and RE2 both understand."""
    return f"{subject}.matches({text(f'^(?:{pattern})$')})"


def fits(subject: str, globs: str) -> str:
    """Return CEL of `fits` (admission/policy/rules/subject.py) for patterns of pods."""
    pattern = "glob.replace('.', '[.]').replace('*', '.*').replace('?', '.')"
    return f"{globs}.exists(glob, {subject}.matches('^' + {pattern} + '$'))"


def directory(path: str) -> str:
    """Return CEL of a directory without // and dots, with a slash at its end: / is "/"."""
    parts = f"{path}.split('/').filter(part, !(part in ['', '.']))"
    return f"{parts}.map(part, '/' + part).join() + '/'"
