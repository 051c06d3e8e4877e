"""The answer to a review: a Decision to bytes, in the version of the review."""

import binascii
from typing import Final

import msgspec

from webhook.decision import (
    WARNING_LENGTH,
    Decision,
    Deny,
    Json,
    Mutate,
    Problem,
    Skip,
    printable,
)

_MOST_WARNINGS: Final = 15
"""Times WARNING_LENGTH stays below the 4096 characters of apiserver filters/warning.go."""


def head(api_version: str, uid: str) -> bytes:
    """Return the part of an answer that belongs to one review."""
    return b'{"apiVersion":"%s","kind":"AdmissionReview","response":{"uid":%s,' % (
        api_version.encode(),
        msgspec.json.encode(uid),
    )


def tail(decision: Decision) -> bytes:
    """Return the part of an answer that only the decision makes."""
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
    if decision.warnings:
        response["warnings"] = warning_lines(decision.warnings)
    return msgspec.json.encode(response)[1:] + b"}"


def warning_lines(warnings: tuple[Problem, ...]) -> list[str]:
    """Return warnings as the API server passes them on: one line each, within its budget."""
    lines = [printable(str(w), WARNING_LENGTH) for w in warnings[:_MOST_WARNINGS]]
    if len(warnings) > _MOST_WARNINGS:
        lines[-1] = f"and {len(warnings) - _MOST_WARNINGS + 1} more"
    return lines
