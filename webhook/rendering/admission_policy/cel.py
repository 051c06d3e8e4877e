"""Write values, and questions about them, as CEL (the language of admission policies)."""

from collections.abc import Iterable, Mapping

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
