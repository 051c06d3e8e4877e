"""Check the ValidatingAdmissionPolicies: that they exist, have bindings, and deny.

Policies that inject without a server may be there too. They come before the webhook.
"""

from collections.abc import Iterator
from typing import Final

from webhook.api_server.errors import Missing
from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, error, kubectl, ok, warning
from webhook.doctor.installation import ADMISSION, Installation

POLICIES: Final = {
    "modelcache-injected": "a pod that the webhook missed starts without its model",
    "modelcache-copied": "a workload that the webhook missed makes pods without their model",
    "modelcache-resized": "a pod can be resized below what its volumes in memory hold",
}
"""The policies, and what happens if one does not refuse."""
WITHOUT_SERVER: Final = "modelcache-without-server"
"""The policy that `modelcache render --kind admission-policy` prints."""
_APPLY: Final = "apply deploy/ again (kubectl apply -k deploy), or upgrade the chart's release"
_REQUIRED: Final = "modelcache.io/required"
_DENY: Final = '{"spec":{"validationActions":["Audit","Deny"]}}'


def _run(installation: Installation) -> Iterator[Finding]:
    for name, otherwise in POLICIES.items():
        yield _judged(installation, name, otherwise)
    yield from _without_server(installation)


def _without_server(installation: Installation) -> Iterator[Finding]:
    try:
        installation.api.get(*ADMISSION, "mutatingadmissionpolicies", WITHOUT_SERVER)
    except Missing:  # also before Kubernetes 1.36, which has no such policies
        return
    yield warning(
        f"MutatingAdmissionPolicy {WITHOUT_SERVER} gives pods their models before the webhook sees "
        "them, by the documents that it was printed with",
        "print and apply it again (modelcache render --kind admission-policy) whenever the "
        "documents of the webhook change, or delete all that was printed",
    )


def _judged(installation: Installation, name: str, otherwise: str) -> Finding:
    fault, fix = _fault(installation, name)
    if not fault:
        return ok(f"policy {name} is in force")
    if installation.failure_policy == "Fail":
        return warning(f"{fault}; failurePolicy Fail refuses while the webhook is down", fix)
    return error(f"{fault}: {otherwise}", fix)


def _fault(installation: Installation, name: str) -> tuple[str, str]:
    """Return why the policy does not refuse, and how to fix that; empty if it does."""
    api = installation.api
    for kind, noun in (("policies", "policy"), ("policybindings", "binding")):
        try:
            found = api.get(*ADMISSION, f"validatingadmission{kind}", name)
        except Missing:
            return f"ValidatingAdmissionPolicy: {noun} {name} does not exist", _APPLY
    actions = found["spec"].get("validationActions") or []
    if "Deny" in actions:
        return _switched_off(installation, name, (found["spec"].get("paramRef") or {}).get("name"))
    fix = kubectl("patch", "validatingadmissionpolicybinding", name, "--type=merge", "-p", _DENY)
    return (
        f"binding {name} has validationActions {', '.join(actions) or 'none'}, not Deny",
        f"wait for a ready replica, which adds Deny if serve has --enforce {name}; or {fix}",
    )


def _switched_off(installation: Installation, name: str, param: str | None) -> tuple[str, str]:
    """Return the same for *param*, the object that the policy depends on."""
    if param is None:
        return "", ""
    off = f"policy {name} is switched off: MutatingWebhookConfiguration {param}"
    try:
        required = installation.api.get(*ADMISSION, "mutatingwebhookconfigurations", param)
    except Missing:
        return f"{off} does not exist", _APPLY
    if (required["metadata"].get("labels") or {}).get(_REQUIRED) != "true":
        return f"{off} has no label {_REQUIRED}", _APPLY
    return "", ""


CHECK: Final = Check(
    name="policies",
    looks_at="the ValidatingAdmissionPolicies and their bindings, and whether they deny, only "
    "audit, or are switched off; whether policies inject too",
    may=(
        "get validatingadmissionpolicies",
        "get validatingadmissionpolicybindings",
        "get mutatingwebhookconfigurations",
        "get mutatingadmissionpolicies",
    ),
    run=_run,
)
