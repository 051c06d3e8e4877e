"""The policies modelcache-rules-{enforce,warn,audit}, and their bindings.

Every CachePolicy is a parameter of each of them. So a CachePolicy holds as soon as an API server
has seen it, and no server of ours is in the path of a pod.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from webhook.admission.judge import AUDIT, ENFORCE, WARN
from webhook.admission.policy.documents import API_VERSION, POLICY
from webhook.admission.policy.rules.rule import WHERE
from webhook.admission.problem import Problem
from webhook.admission.workload import will_be_refused
from webhook.objects import cel
from webhook.objects.json import Json
from webhook.objects.workload_kinds import KINDS
from webhook.rule_policies.catalogue import IN_CEL
from webhook.rule_policies.judged import IS_POD, Found, InCel, variables
from webhook.rule_policies.matching import (
    NOT_MIRROR,
    PODS,
    conditions,
    constraints,
    rule,
    workload_rules,
)

_API_VERSION: Final = "admissionregistration.k8s.io/v1"
LABELS: Final = {"app.kubernetes.io/name": "modelcache-webhook"}
OLDEST: Final = (1, 30)
"""The first Kubernetes version that has such policies without a feature gate."""
_TOO_LONG: Final = (
    "rules of a CachePolicy find more in it than this message can hold: modelcache check shows it"
)


@dataclass(frozen=True, slots=True)
class _Mode:
    """What differs between the policies."""

    name: str
    action: str
    of_pods: tuple[str, ...]
    """The modes of rules that it judges pods by."""
    of_workloads: tuple[str, ...] = ()
    """And workloads. One is never refused: its author is warned that its pods will be."""

    @property
    def modes(self) -> str:
        """CEL of the modes by which an object is judged."""
        if not self.of_workloads or self.of_pods == self.of_workloads:
            return cel.texts(self.of_pods)
        return f"{IS_POD} ? {cel.texts(self.of_pods)} : {cel.texts(self.of_workloads)}"


_MODES: Final = (
    _Mode(ENFORCE, "Deny", (ENFORCE,)),
    _Mode(WARN, "Warn", (WARN,), (ENFORCE, WARN)),
    _Mode(AUDIT, "Audit", (AUDIT,), (AUDIT,)),
)


def rule_policies(excluded: Sequence[str]) -> list[Json]:
    """Return the policies and bindings, for all namespaces but those that are *excluded*."""
    found = []
    for mode in _MODES:
        metadata = {"name": f"modelcache-rules-{mode.name}", "labels": LABELS}
        found.append({
            "apiVersion": _API_VERSION, "kind": "ValidatingAdmissionPolicy",
            "metadata": metadata, "spec": _policy(mode, excluded),
        })  # fmt: skip
        found.append({
            "apiVersion": _API_VERSION, "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": metadata, "spec": _binding(mode),
        })  # fmt: skip
    return found


def _binding(mode: _Mode) -> Json:
    return {
        "policyName": f"modelcache-rules-{mode.name}",
        "paramRef": {"selector": {}, "parameterNotFoundAction": "Allow"},
        "validationActions": [mode.action],
    }


def _policy(mode: _Mode, excluded: Sequence[str]) -> Json:
    every = [*variables(mode.modes), *(one for rule in IN_CEL for one in rule.variables)]
    return {
        "failurePolicy": "Ignore",
        "paramKind": {"apiVersion": API_VERSION, "kind": POLICY},
        "matchConstraints": constraints(_resources(workloads=bool(mode.of_workloads)), excluded),
        "matchConditions": conditions(_conditions(mode)),
        "variables": [{"name": name, "expression": expression} for name, expression in every],
        "validations": [
            {
                # An error in one of them, such as too much work, does not hide what another finds.
                "expression": " && ".join(f"!({found.when})" for _, found in _findings()),
                "messageExpression": _message(mode),
                "message": _TOO_LONG,
                "reason": "Forbidden",
            }
        ],
    }


def _resources(*, workloads: bool) -> list[Json]:
    """Return the resources that are judged: pods and what is added to them, and *workloads*."""
    added = rule("", ["pods/ephemeralcontainers"], ["UPDATE"], ["v1"])
    built_in = [row for row in KINDS if row.built_in] if workloads else []
    return [PODS, added, *workload_rules(built_in, ["v1"])]


def _conditions(mode: _Mode) -> list[tuple[str, str]]:
    """Return names and CEL of what must be true, or the object is not judged."""
    own = ", ".join(f"params.spec.?rules.?{one.rule.name}.?mode.orValue('')" for one in IN_CEL)
    found = [
        # Of most CachePolicies nothing more is read.
        ("has-rules-of-this-mode", f"[{own}].exists(mode, mode in ({mode.modes}))"),
        NOT_MIRROR,
    ]
    if mode.of_workloads:
        owners = "object.metadata.?ownerReferences.orValue([])"
        controlled = f"{owners}.exists(owner, owner.?controller.orValue(false))"
        # Nobody reads a warning about the ReplicaSet of a Deployment.
        found.append(("not-made-by-a-controller", f"{IS_POD} || !{controlled}"))
    return found


def _findings() -> Iterator[tuple[InCel, Found]]:
    for one in IN_CEL:
        for found in one.findings:
            yield one, found


def _message(mode: _Mode) -> str:
    """Return CEL of the text of all findings, as the webhook and `modelcache check` write them."""
    texts = (f"({found.when} ? [{_text(one, found, mode)}] : [])" for one, found in _findings())
    return f"({' + '.join(texts)}).join('; ')"


def _text(one: InCel, found: Found, mode: _Mode) -> str:
    """Return CEL of the text of a finding."""
    where = WHERE.format(rule=one.rule.name, policy="{policy}")
    said = Problem(one.rule.code, where, found.text)
    fields = {"policy": "params.metadata.name", **found.fields}
    plain = cel.filled(str(said), **fields)
    if ENFORCE not in mode.of_workloads:
        return plain
    foreseen = cel.filled(str(will_be_refused(said)), **fields)
    return f"variables.rules.{one.rule.name}.mode == {cel.text(ENFORCE)} ? {foreseen} : {plain}"
