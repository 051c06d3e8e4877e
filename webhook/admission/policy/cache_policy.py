"""Read a CachePolicy document: defaults for annotations, by namespace.

This version enforces no rules. It refuses a document with rules, since a rule that is
read but not enforced would be worse than none.
"""

from typing import Any

import msgspec

from webhook.admission.reading import DECLARED
from webhook.admission.request.annotations import PREFIX, read, unknown
from webhook.objects.label_selector import Selector


class PolicySpec(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The fields of a CachePolicy that this version knows."""

    namespace_selector: Selector = Selector()
    priority: int = 0
    defaults: dict[str, str] = {}
    rules: tuple[Any, ...] = ()


class CachePolicy(msgspec.Struct, frozen=True):
    """Defaults for the namespaces that a selector names."""

    name: str
    selector: Selector
    priority: int
    defaults: dict[str, str]


def cache_policy(document: dict[str, Any]) -> CachePolicy:
    """Return the policy of a CachePolicy document. Raises ValueError with every fault."""
    name = str((document.get("metadata") or {}).get("name") or "")
    if not name:
        raise ValueError("metadata.name: is missing")
    spec = msgspec.convert(document.get("spec") or {}, PolicySpec)
    problems = []
    if spec.rules:
        problems.append("spec.rules: this version enforces no rules; remove them")
    problems += [
        f"spec.namespaceSelector: {fault}"
        for requirement in spec.namespace_selector.match_expressions
        for fault in requirement.faults()
    ]
    defaults = {k.removeprefix(PREFIX): v for k, v in spec.defaults.items()}
    known = {a.name: (f, a) for f, a in DECLARED.items() if a.platform}
    faults = unknown(defaults, known) + read(known.values(), defaults)[1]
    problems += [
        f"spec.defaults.{fault.where.removeprefix(PREFIX)}: {fault.what}" for fault in faults
    ]
    if problems:
        raise ValueError("; ".join(problems))
    return CachePolicy(
        name=name,
        selector=spec.namespace_selector,
        priority=spec.priority,
        defaults=defaults,
    )
