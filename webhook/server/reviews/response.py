"""Encode the answer to a review, in the API version of the review."""

import binascii

import msgspec

from webhook.admission.decision import Decision, Deny, Mutate, Skip, warning_lines
from webhook.admission.judge import AUDIT
from webhook.objects.json import Json
from webhook.values.text import printable


def head(api_version: str, uid: str) -> bytes:
    """Return the first part of an answer, which belongs to one review."""
    return b'{"apiVersion":"%s","kind":"AdmissionReview","response":{"uid":%s,' % (
        api_version.encode(),
        msgspec.json.encode(uid),
    )


def tail(decision: Decision) -> bytes:
    """Return the rest of an answer, which depends on the decision alone."""
    response: Json = {}
    match decision:
        case Skip():
            response["allowed"] = True
        case Mutate():
            response["allowed"] = True
            response["patchType"] = "JSONPatch"
            patch = msgspec.json.encode(decision.operations)
            response["patch"] = binascii.b2a_base64(patch, newline=False).decode()
            if decision.strategy:
                response["auditAnnotations"] = {"strategy": decision.strategy}
        case Deny():
            response["allowed"] = False
            response["status"] = {
                "status": "Failure",
                "message": decision.message,
                "reason": "Forbidden" if decision.forbidden else "Invalid",
                "code": 403 if decision.forbidden else 422,
            }
    if decision.findings and (audited := _audited(decision)):
        response["auditAnnotations"] = {**response.get("auditAnnotations", {}), "rules": audited}
    if decision.warnings:
        response["warnings"] = warning_lines(decision.warnings)
    return msgspec.json.encode(response)[1:] + b"}"


def _audited(decision: Decision) -> str:
    """Return the findings of rules of mode audit, which only the API server's audit log holds."""
    return printable("; ".join(str(f.problem) for f in decision.findings if f.mode == AUDIT))
