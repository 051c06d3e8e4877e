"""Write values, and questions about them, as CEL (the language of admission policies)."""

from collections.abc import Iterable, Mapping
from string import Formatter

from webhook.objects.label_selector import Requirement, Selector


def lines(expression: str) -> str:
    """Return *expression* without the indentation that it has in a source of Python."""
    return "\n".join(line.strip() for line in expression.strip().splitlines())


def text(value: str) -> str:
    """Return a literal string."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def texts(values: Iterable[str]) -> str:
    """Return a literal list of strings."""
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


def entries(values: Mapping[str, str], between: str = ", ") -> str:
    """Return a literal map of strings; *between*: what is between two entries."""
    return "{" + between.join(f"{text(key)}: {text(value)}" for key, value in values.items()) + "}"


def collide(one: str, other: str) -> str:
    """Return whether two normalised paths are one place, or one of them is below the other."""
    first, second = (f"({path} == '/' ? '/' : {path} + '/')" for path in (one, other))
    return f"({first}.startsWith({second}) || {second}.startsWith({first}))"


def bytes_in_short(number: str) -> str:
    """Return bytes above 0 in the shortest exact form, as webhook/values/quantity.py writes it."""
    return (
        f"({number} % 1073741824 == 0 ? string({number} / 1073741824) + 'Gi' : "
        f"{number} % 1048576 == 0 ? string({number} / 1048576) + 'Mi' : "
        f"{number} % 1024 == 0 ? string({number} / 1024) + 'Ki' : string({number}))"
    )


def selects(selector: Selector, labels: str) -> str:
    """Return whether *selector* holds for a namespace; *labels*: CEL for the map of its labels."""
    wanted = [_holds(one, labels) for one in selector.requirements()]
    return " && ".join(wanted) or "true"


def _holds(one: Requirement, labels: str) -> str:
    key = text(one.key)
    match one.operator:
        case "In":
            return f"({key} in {labels} && {labels}[{key}] in {texts(one.values)})"
        case "NotIn":
            return f"!({key} in {labels} && {labels}[{key}] in {texts(one.values)})"
        case "Exists":
            return f"{key} in {labels}"
        case _:
            return f"!({key} in {labels})"
