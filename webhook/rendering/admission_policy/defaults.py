"""Write the defaults of CachePolicies as CEL, and find what the policies can't do of a file."""

import re
from collections.abc import Iterator
from typing import Final

from webhook.admission.policy.documents import Policy
from webhook.admission.request.annotations import PREFIX
from webhook.objects import cel
from webhook.rendering.admission_policy.accepted import ACCEPTED
from webhook.values.paths import absolute_path
from webhook.values.quantity import MI, Quantity

_ACCEPTED: Final = {one.name: one for one in ACCEPTED}
_OF_LOADERS: Final = ("load-from", "loader-user", "loader-pull-secrets")
"""Defaults that change nothing in a pod without a loader."""
_READ_HERE: Final = ("host-path",)
"""Defaults that the policies read, although no pod may have the annotation."""


def unheld(policy: Policy) -> Iterator[str]:
    """Yield what CachePolicies say that admission policies would not hold."""
    for one in policy.policies:
        where = f"CachePolicy {one.name}"
        if one.rules:
            yield (
                f"{where}: spec.rules: {', '.join(rule.name for rule in one.rules)}: admission "
                "policies of render enforce no rules: leave them out, or run the webhook"
            )
        for name, value in one.defaults.items():
            if name in _OF_LOADERS or name in _READ_HERE:
                continue
            accepted = _ACCEPTED.get(name)
            if accepted is None or not re.fullmatch(accepted.pattern, value.strip()):
                values = f"must be {accepted.words}" if accepted else "can't be a default here"
                yield (
                    f"{where}: spec.defaults.{name}: {values}, since admission "
                    "policies do nothing else: change it, or run the webhook"
                )


def conditions(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield name and expression of a variable for each policy: whether it selects the namespace."""
    for i, one in enumerate(policy.policies):
        if one.defaults:
            yield _variable(i), cel.selects(one.selector, "variables.labels")


def default(name: str, policy: Policy, otherwise: str) -> str:
    """Return the default of annotation *name*; *otherwise*: it, if no policy gives one."""
    found = cel.text(otherwise)
    for i, one in enumerate(policy.policies):  # the one that wins is the last
        if name in one.defaults:
            value = one.defaults[name].strip()
            if name == "shm-size":  # which CEL could not always round up
                value = str(Quantity.parse(value).up_to(MI))
            if name == "host-path":
                value = absolute_path(value)
            found = f"variables.{_variable(i)} ? {cel.text(value)} : {found}"
    return f"({found})"


def value(name: str, policy: Policy, otherwise: str) -> str:
    """Return the value of annotation *name*: the pod's, or else the default."""
    chosen = default(name, policy, otherwise)
    return f"variables.given[?{cel.text(PREFIX + name)}].orValue({chosen}).trim()"


def _variable(index: int) -> str:
    return f"policy{index + 1}"
