"""Match labels with a label selector, by which a CachePolicy selects namespaces.

The rules are those of meta/v1 LabelSelector. A label that is not known is neither there nor
absent: no operator holds for it, and only a requirement on a known label can decide.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from webhook.values.text import quoted

OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist")
_WITH_VALUES: Final = ("In", "NotIn")


class Requirement(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One requirement on a label, as in every label selector."""

    key: Annotated[str, Meta(max_length=317, description="The label.")]
    operator: Annotated[
        str,
        Meta(
            description="How the label is compared with the values.",
            extra_json_schema={"enum": [*OPERATORS]},
        ),
    ]
    values: Annotated[
        tuple[Annotated[str, Meta(max_length=63)], ...],
        Meta(max_length=64, description="The values, for In and NotIn."),
    ] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether *labels* match it (meta/v1 LabelSelectorRequirement)."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case _:
                return value is None

    def faults(self) -> Iterator[str]:
        """Yield what the API server would refuse (ValidateLabelSelectorRequirement)."""
        if self.operator not in OPERATORS:
            yield f"{quoted(self.operator)} is not one of {', '.join(OPERATORS)}"
        elif self.operator in _WITH_VALUES and not self.values:
            yield f"{quoted(self.key)}: {self.operator} needs values"
        elif self.operator not in _WITH_VALUES and self.values:
            yield f"{quoted(self.key)}: {self.operator} takes no values: remove them"


class Selector(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A label selector. An empty one selects every namespace."""

    match_labels: Annotated[
        dict[str, Annotated[str, Meta(max_length=63)]],
        Meta(max_length=32, description="Labels and their values. A namespace must have all."),
    ] = {}
    match_expressions: Annotated[
        tuple[Requirement, ...],
        Meta(max_length=32, description="Requirements on labels. A namespace must meet all."),
    ] = ()

    def requirements(self) -> Iterator[Requirement]:
        """Yield everything that it requires of labels."""
        for key, value in self.match_labels.items():
            yield Requirement(key, "In", (value,))
        yield from self.match_expressions

    @property
    def keys(self) -> frozenset[str]:
        """The labels that it looks at."""
        return frozenset(one.key for one in self.requirements())

    def holds(self, labels: Mapping[str, str], *, complete: bool = True) -> bool | None:
        """Whether it selects a namespace with *labels*; None if the known labels can't decide.

        *complete*: a label that *labels* lacks is absent. Otherwise it is not known.
        """
        undecided = False
        for one in self.requirements():
            if not complete and one.key not in labels:
                undecided = True
            elif not one.holds(labels):
                return False
        return None if undecided else True
