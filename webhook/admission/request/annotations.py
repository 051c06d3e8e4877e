"""Declare and read annotations.

An annotation is a field of a dataclass, made by annotation() from its name, its parser,
its text in the manual and its default. The reader, the check for unknown names and the
table in docs/annotations.md follow from it.
"""

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from webhook.admission import codes
from webhook.admission.problem import Problem
from webhook.values.readers import one_of
from webhook.values.text import quoted

PREFIX: Final = "modelcache.io/"
LEDGER: Final = PREFIX + "injected"
COPIED_KEYS: Final = PREFIX + "copied-keys"
"""On a workload: which of its annotations we copied into its pod template."""

T = TypeVar("T")
D = TypeVar("D")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One annotation as declared."""

    name: str
    parse: Callable[[str], object]
    values: str
    meaning: str
    default: str
    platform: bool
    """Whether a CachePolicy may give it a default."""
    no_effect: Callable[[Any], str] | None
    """CacheRequest → why it has no effect there; empty if it has one."""


def annotation(  # the columns of the manual's table
    name: str,
    parse: Callable[[str], T],
    values: str,
    meaning: str,
    *,
    default: D,
    shown: str = "",
    platform: bool = True,
    no_effect: Callable[[Any], str] | None = None,
) -> T | D:
    """Declare an annotation as the default of a dataclass field."""
    declared = Annotation(
        name=name,
        parse=parse,
        values=values,
        meaning=meaning,
        default=shown,
        platform=platform,
        no_effect=no_effect,
    )
    return cast("T | D", dataclasses.field(default=default, metadata={"annotation": declared}))


def declared(cls: type, **words: Sequence[str]) -> dict[str, Annotation]:
    """Return field name → annotation, in the order of declaration.

    *words*: field name → its values, if a catalogue in a layer above has them.
    """
    found: dict[str, Annotation] = {
        f.name: f.metadata["annotation"] for f in dataclasses.fields(cls)
    }
    for field, names in words.items():
        values = ", ".join(f"`{name}`" for name in names)
        found[field] = dataclasses.replace(found[field], parse=one_of(*names), values=values)
    return found


def asked(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return the annotations that begin with modelcache.io/, without that prefix."""
    return {
        key.removeprefix(PREFIX): value
        for key, value in annotations.items()
        if key.startswith(PREFIX)
    }


def read(
    declarations: Iterable[tuple[str, Annotation]], values: Mapping[str, str]
) -> tuple[dict[str, Any], list[Problem]]:
    """Return field name → parsed value, and every mistake in *values*."""
    found: dict[str, Any] = {}
    problems = []
    for field, spec in declarations:
        if spec.name not in values:
            continue
        text = values[spec.name]
        try:
            if not text.strip():
                raise ValueError(f"is empty: must be {spec.values}")
            found[field] = spec.parse(text.strip())
        except ValueError as error:
            problems.append(Problem(codes.VALUE, PREFIX + spec.name, str(error)))
    return found, problems


def unknown(names: Iterable[str], known: Iterable[str]) -> list[Problem]:
    """Return a remark for each of *names* that is not *known*, with the nearest known name."""
    known = sorted(known)
    remarks = []
    for name in sorted(set(names) - set(known)):
        near = difflib.get_close_matches(name[:60], known, n=1)
        hint = f"did you mean {PREFIX}{near[0]}?" if near else "see docs/annotations.md"
        where = PREFIX + quoted(name, 40)[1:-1]
        remarks.append(Problem(codes.UNKNOWN_ANNOTATION, where, f"is not known; {hint}"))
    return remarks
