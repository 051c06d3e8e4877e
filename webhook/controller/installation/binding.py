"""One ValidatingAdmissionPolicyBinding: whether it denies, and how to let it deny."""

from typing import Final

import msgspec

from webhook.api_server.controller_client import ControllerApi, ObjectMeta, unchanged
from webhook.objects.json_patch import replace

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
        """Whether it refuses what violates its policy."""
        return DENY in self.spec.validationActions

    @property
    def param(self) -> str:
        """The object that its policy depends on; empty if it depends on none."""
        return self.spec.paramRef.name


def read(api: ControllerApi, name: str) -> Binding:
    """Return the binding *name*; Refused if it can't be read."""
    doing = f"read ValidatingAdmissionPolicyBinding {name}"
    answer = api.request("GET", f"{FOLDER}/{name}").expect(doing, 200)
    return msgspec.json.decode(answer.body, type=Binding)


def deny(api: ControllerApi, binding: Binding) -> None:
    """Let *binding* deny; Refused if it can't be written, Conflict if somebody else wrote it."""
    name, version = binding.metadata.name, binding.metadata.resourceVersion
    # The API server does not accept Warn with Deny: a denial contains the warning.
    wanted = [action for action in binding.spec.validationActions if action != WARN] + [DENY]
    operations = [unchanged(version), replace("/spec/validationActions", wanted)]
    doing = f"patch ValidatingAdmissionPolicyBinding {name}"
    api.request("PATCH", f"{FOLDER}/{name}", operations).expect(doing, 200)
