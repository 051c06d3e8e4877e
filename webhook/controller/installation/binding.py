"""Reads and writes one ValidatingAdmissionPolicyBinding: whether it denies, or only audits."""

from typing import Any, Final

import msgspec

from webhook.api_server.controller_client import ApiServer
from webhook.api_server.object_meta import ObjectMeta, unchanged
from webhook.api_server.trouble import expect

FOLDER: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
DENY: Final = "Deny"
WARN: Final = "Warn"


class _ParamRef(msgspec.Struct):
    name: str = ""


class _Spec(msgspec.Struct):
    paramRef: _ParamRef = msgspec.field(default_factory=_ParamRef)  # noqa: N815
    validationActions: list[str] = []  # noqa: N815  # the API's name


class Binding(msgspec.Struct):
    """A ValidatingAdmissionPolicyBinding."""

    metadata: ObjectMeta
    spec: _Spec

    @property
    def denies(self) -> bool:
        """Whether it refuses what its policy finds."""
        return DENY in self.spec.validationActions

    @property
    def param(self) -> str:
        """The name of the object without which its policy requires nothing; empty if of none."""
        return self.spec.paramRef.name


def read(api: ApiServer, name: str) -> Binding:
    """Return a binding; Trouble if it can't be read."""
    doing = f"read ValidatingAdmissionPolicyBinding {name}"
    answer = expect(api.request("GET", f"{FOLDER}/{name}"), doing, 200)
    return msgspec.json.decode(answer.body, type=Binding)


def deny(api: ApiServer, binding: Binding) -> None:
    """Let *binding* deny; Trouble if it can't be written, Conflict if somebody else has."""
    name, version = binding.metadata.name, binding.metadata.resourceVersion
    # The API server refuses the two together: a denial says the same.
    wanted = [action for action in binding.spec.validationActions if action != WARN] + [DENY]
    operations: list[dict[str, Any]] = [
        unchanged(version),
        {"op": "replace", "path": "/spec/validationActions", "value": wanted},
    ]
    doing = f"patch ValidatingAdmissionPolicyBinding {name}"
    expect(api.request("PATCH", f"{FOLDER}/{name}", operations), doing, 200)
