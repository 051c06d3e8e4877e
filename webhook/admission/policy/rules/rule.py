"""The base of rules: what every rule has, and the kinds of values that parameters have.

What a parameter means, and which values it takes, is said once, with its type. Reading a
document, the schema of the CustomResourceDefinition and the table in docs/platform.md use it.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from webhook.admission.policy.rules.subject import Asking, Running
from webhook.values import constraints
from webhook.values.quantity import NOT_NEGATIVE

Mode = Annotated[
    Literal["enforce", "warn", "audit"],
    Meta(
        description="enforce refuses pods. warn tells anyone who applies the object. audit writes "
        "to the audit log of the API server. All three are counted.",
        extra={"order": ("enforce", "warn", "audit")},
    ),
]
WHERE: Final = "rule {rule} of CachePolicy {policy}"
"""The place of a finding."""
SET: Final = {constraints.SET: "set"}
_A_QUANTITY: Final = {"is": "a quantity such as 512Mi or 16Gi"}
Size = Annotated[
    Annotated[int, Meta(ge=0)] | Annotated[str, Meta(pattern=NOT_NEGATIVE, max_length=32)],
    Meta(extra_json_schema={"x-kubernetes-int-or-string": True}, extra=_A_QUANTITY),
]
"""A number of bytes: 16Gi."""
Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        max_length=253,
        extra={"is": "a name such as model-store"},
    ),
]
"""The name of an object."""
Directory = Annotated[
    str,
    Meta(
        pattern=r"^(/[.]?[A-Za-z0-9_+@-][A-Za-z0-9_.+@-]*)+$",
        max_length=512,
        extra={"is": "an absolute directory such as /var/lib/model-cache"},
    ),
]
"""An absolute directory of a node."""
ModelGlob = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9._:+=-]*[/*?][A-Za-z0-9*?._/:+=-]*$",
        max_length=253,
        extra={
            "is": "a pattern for org/name or a URI, such as meta-llama/* (without a revision, and "
            "not the name of a CachedModel)"
        },
    ),
]
"""A pattern for models: * is any text, ? is one character. Without any of / * ? it matches none."""
_PodGlob = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9*?.-]+/[a-z0-9*?.-]+$",
        max_length=320,
        extra={"is": "a pattern for namespace/name such as team/debug-*"},
    ),
]
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
    """What the types can't say of a rule: CEL that must hold of it (self), and the message."""
    spec_validations: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    """The same of the whole spec: CEL, the message, and the field (fieldPath)."""

    by_strategy: ClassVar[bool] = False
    """Whether another strategy may keep the rule, so that auto looks for one."""
    of_all: ClassVar[bool] = False
    """Whether it concerns pods that request no model too."""
    foresees: ClassVar[bool] = True
    """Whether pods are refused for what is found in their workload."""

    mode: Mode
    exempt: PodGlobs = msgspec.field(name="except", default=())

    def faults(self, defaults: Mapping[str, str]) -> Iterator[str]:  # noqa: ARG002  # for subclasses
        """Yield what *validations* say of it, and spec_validations of *defaults* and it.

        *defaults*: spec.defaults, without prefix. Each fault begins with its place below spec.
        """
        yield from ()

    def asked(self, pod: Asking) -> Iterator[str]:  # noqa: ARG002  # for subclasses
        """Yield what is wrong with what a pod requests, and what would be right."""
        yield from ()

    def seen(self, pod: Running) -> Iterator[str]:  # noqa: ARG002  # for subclasses
        """Yield what is wrong with a pod as it will run, and what would be right."""
        yield from ()
