"""Render the admission policies: one injects, one refuses what that could not, and two more."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from webhook import __version__
from webhook.admission.policy.documents import Policy
from webhook.objects import cel
from webhook.objects.json import Json
from webhook.rendering.admission_policy.containers import containers
from webhook.rendering.admission_policy.defaults import unheld
from webhook.rendering.admission_policy.injection import patch
from webhook.rendering.admission_policy.limits import limits
from webhook.rendering.admission_policy.matching import POD, seen
from webhook.rendering.admission_policy.pod import pod
from webhook.rendering.admission_policy.remarks import remarks
from webhook.rendering.admission_policy.request import request
from webhook.rendering.admission_policy.workloads import workloads
from webhook.rendering.kinds import Kind
from webhook.rendering.options import Given
from webhook.rule_policies.matching import PODS, conditions
from webhook.values.text import printable

NAME: Final = "modelcache-without-server"
OF_WORKLOADS: Final = f"{NAME}-workloads"
WARNS: Final = f"{NAME}-warnings"
SINCE: Final = "1.36"
"""The first Kubernetes with MutatingAdmissionPolicy of v1 (KEP-3962)."""
_GROUP: Final = "admissionregistration.k8s.io/v1"
_MUTATING: Final = "MutatingAdmissionPolicy"
_VALIDATING: Final = "ValidatingAdmissionPolicy"
_PAGE: Final = "docs/without-a-server.md"
_LABELS: Final = {
    "app.kubernetes.io/name": "modelcache",
    "app.kubernetes.io/component": "admission-policy",
}
_INJECTS: Final = (
    f"Printed by modelcache {__version__}; {_PAGE} says what these policies do. They need "
    f"Kubernetes {SINCE}: an older API server knows no {_MUTATING} of v1. There, kubectl apply "
    "fails for two of these objects, and the others refuse annotated pods. This one gives pods "
    "their models, as the webhook would."
)
_REFUSES: Final = (
    "Refuses a pod that did not get the model that it requests, and says why. What the webhook has "
    "injected passes."
)
_SEES: Final = (
    "Refuses a workload whose own annotations are not in its pod template. The webhook would copy "
    "them. Without it, the pods would request no model."
)
_WARNS: Final = (
    "Warns of pods that get no model, of memory that was lowered again, and of custom workloads, "
    f"whose annotations nobody copies. A {_MUTATING} can't warn."
)


def policies_of(
    names: Sequence[str], given: Given, policy: Policy | None
) -> list[tuple[str, Json]]:
    """Return heading and content of each object; *policy*: None if it could not be read.

    ValueError names every mistake in the options and in the documents.
    """
    mistakes = list(_mistakes(names, given))
    found: list[tuple[str, Json]] = []
    if policy:
        mistakes += unheld(policy)
        try:
            found = list(policies(policy))
        except ValueError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ValueError("\n".join(mistakes))
    return found


def _mistakes(names: Sequence[str], given: Given) -> Iterator[str]:
    """Yield which options do not fit."""
    alone = f"--kind {Kind.ADMISSION_POLICY}"
    if others := [kind for kind in given.kinds if kind != Kind.ADMISSION_POLICY]:
        yield f"--kind {', '.join(others)}: print it in a second call: {alone} is printed alone"
    if names:
        yield f"{printable(names[0], 120)}: {alone} is for all models: give no MODEL"
    for field in dataclasses.fields(Given):
        if field.name != "kinds" and getattr(given, field.name) != field.default:
            option = field.name.replace("_", "-")
            yield f"--{option}: has no effect with {alone}: it prints no loaders"


def policies(policy: Policy) -> Iterator[tuple[str, Json]]:
    """Yield heading and content of each object. ValueError if the catalogue is too long."""
    parts = (request(policy), containers(), pod(), limits())
    pods = {
        "matchConstraints": seen([PODS]),
        "matchConditions": conditions(POD),
        "variables": [
            {"name": name, "expression": expression} for part in parts for name, expression in part
        ],
    }
    mutations = [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch()}}]
    injects = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        **pods,
        "mutations": mutations,
    }
    refuses = {"failurePolicy": "Fail", **pods, "validations": [_injected(), _mounted()]}
    yield _INJECTS, _object(_MUTATING, NAME, injects)
    yield "Puts it in force.", _binding(_MUTATING, NAME)
    yield _REFUSES, _object(_VALIDATING, NAME, refuses)
    yield "Makes it refuse.", _binding(_VALIDATING, NAME, "Deny")
    yield _SEES, _object(_VALIDATING, OF_WORKLOADS, workloads())
    yield "Makes it refuse.", _binding(_VALIDATING, OF_WORKLOADS, "Deny")
    yield _WARNS, _object(_VALIDATING, WARNS, remarks())
    yield "Makes it warn.", _binding(_VALIDATING, WARNS, "Warn")


def _object(kind: str, name: str, spec: Json) -> Json:
    metadata = {"name": name, "labels": _LABELS}
    return {"apiVersion": _GROUP, "kind": kind, "metadata": metadata, "spec": spec}


def _binding(kind: str, name: str, action: str = "") -> Json:
    actions = {"validationActions": [action]} if action else {}
    return _object(f"{kind}Binding", name, {"policyName": name, **actions})


def _injected() -> Json:
    return {
        "expression": "variables.done",
        # This is said if the text would be longer than the API server allows.
        "message": f"modelcache.io/model: the admission policies gave this pod no model: {_PAGE}",
        "messageExpression": cel.lines(
            f"""
            size(variables.reasons) > 0
            ? 'modelcache.io/model: the admission policies gave this pod no model: '
            + variables.reasons.join('; ') + '. Without these changes, the pod needs the modelcache'
            + ' webhook'
            : 'modelcache.io/model: the admission policies gave this pod no model, although they'
            + ' could. See that {_MUTATING} {NAME} and its binding exist;'
            + ' they need Kubernetes {SINCE}'
            """
        ),
        "reason": "Invalid",
    }


def _mounted() -> Json:
    """Return the check of what others did to the pod after the injection."""
    readers = r"variables.given[?'modelcache.io/injected'].orValue('')"
    lacking = rf"""
        (object.spec.containers + object.spec.?initContainers.orValue([])).filter(c,
        {readers}.find('"containers":\\[[^\\]]*').contains('"' + c.name + '"')
        && !c.?volumeMounts.orValue([]).exists(m, m.name == 'modelcache-model'))
    """
    return {
        "expression": cel.lines(f"!variables.done || size({lacking.strip()}) == 0"),
        "messageExpression": cel.lines(
            f"""
            'container ' + {lacking.strip()}.map(c, c.name).join(', ')
            + ' does not mount volume modelcache-model, which modelcache.io/injected says it does:'
            + ' something removed the mount. See kubectl get mutatingwebhookconfigurations'
            """
        ),
        "reason": "Invalid",
    }
