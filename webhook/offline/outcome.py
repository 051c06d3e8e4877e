"""The outcome for one object of a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webhook.admission.decision import Decision, Deny
from webhook.admission.plan import Plan
from webhook.objects.json import Json
from webhook.values.shape import Fault


class Misshapen(Exception):
    """The object can't be decoded; *faults* are all values of the wrong type."""

    def __init__(self, name: str, found: Sequence[Fault]) -> None:
        self.name = name
        self.faults = tuple(found)
        super().__init__(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The decision about one object, with the object before and after."""

    name: str
    is_pod: bool
    before: Any
    after: Any
    decision: Decision
    operations: tuple[Json, ...] = ()
    plan: Plan | None = None
    warnings: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the object, or every pod created from it, is refused."""
        return isinstance(self.decision, Deny)
