"""The base of rules: what every rule has, and the kinds of values that parameters have.

What a parameter means, and which values it takes, is said once, with its type. Reading a
document, the schema of the CustomResourceDefinition and the table in docs/platform.md use it.
"""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from webhook.values.text import quoted

Mode = Annotated[
    Literal["enforce", "warn", "audit"],
    Meta(
        description="enforce refuses pods. warn tells whoever applies the object. audit writes to "
        "the audit log of the API server. All three are counted."
    ),
]
MODES: Final = ("enforce", "warn", "audit")
SET: Final = {"x-kubernetes-list-type": "set"}
QUANTITY: Final = r"^[0-9]+(\.[0-9]+)?([eE][0-9]+|[kMGTPE]i?)?$"
Size = Annotated[
    int | Annotated[str, Meta(pattern=QUANTITY, max_length=32)],
    Meta(extra_json_schema={"x-kubernetes-int-or-string": True}),
]
"""A number of bytes: 16Gi."""
Name = Annotated[str, Meta(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
"""The name of an object."""
Directory = Annotated[
    str, Meta(pattern=r"^/[A-Za-z0-9_.+@-]+(/[A-Za-z0-9_.+@-]+)*$", max_length=512)
]
"""An absolute directory of a node."""
ModelGlob = Annotated[str, Meta(pattern=r"^[A-Za-z0-9*?._/:+=-]+$", min_length=1, max_length=253)]
"""A pattern for models: * is any text, ? is one character."""
_PodGlob = Annotated[str, Meta(pattern=r"^[a-z0-9*?.-]+/[a-z0-9*?.-]+$", max_length=320)]
PodGlobs = Annotated[
    tuple[_PodGlob, ...],
    Meta(
        description="Pods that the rule excuses, as namespace/name with * and ?. The name of a "
        "pod begins with that of its workload and a hyphen.",
        min_length=1,
        max_length=64,
        extra_json_schema=SET,
    ),
]
Writers = Annotated[
    tuple[Name, ...],
    Meta(
        description="ServiceAccounts whose pods fill stores. The rule excuses their pods.",
        max_length=16,
        extra_json_schema=SET,
    ),
]


class Rule(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """One rule of a CachePolicy.

    The docstring of a subclass is its text in the manual and in the schema.
    """

    name: ClassVar[str]
    """Its key in spec.rules."""
    code: ClassVar[str]
    """The code of its findings."""
    validations: ClassVar[tuple[tuple[str, str], ...]] = ()
    """What the types can't say: CEL, which must hold of the rule (self), and the message."""

    mode: Mode
    exempt: PodGlobs = msgspec.field(name="except", default=())

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the parameters and no type can say, each with its place."""
        for field in msgspec.structs.fields(type(self)):
            value: Any = getattr(self, field.name)
            if isinstance(value, tuple):
                twice = sorted({v for v in value if value.count(v) > 1})
                for one in twice:
                    yield f"{field.encode_name}: {quoted(one)} occurs twice; remove one"
