"""Read and write the Secret with the authorities."""

import base64
import binascii

import msgspec

from certs.authorities import Authorities, decode
from webhook.api_server.controller_client import ControllerApi, ObjectMeta
from webhook.api_server.errors import Conflict
from webhook.objects.json import Json


class _Secret(msgspec.Struct):
    metadata: ObjectMeta
    data: dict[str, str] | None = None


def folder(namespace: str) -> str:
    """Return the path of the Secrets of *namespace*."""
    return f"/api/v1/namespaces/{namespace}/secrets"


class Found(msgspec.Struct, frozen=True):
    """The content of the Secret."""

    authorities: Authorities | None
    """None if it has no authority that can sign."""
    faults: list[str]
    version: str | None
    """The resourceVersion; None if there is no Secret."""


class AuthoritySecret:
    """The Secret *name* of *namespace*."""

    def __init__(self, api: ControllerApi, namespace: str, name: str) -> None:
        self.name = name
        self._folder = folder(namespace)
        self._api = api

    def read(self) -> Found:
        """Return its content; Refused if it can't be read."""
        answer = self._api.request("GET", f"{self._folder}/{self.name}")
        if answer.code == 404:
            return Found(None, [], None)
        secret = msgspec.json.decode(
            answer.expect(f"read Secret {self.name}", 200).body, type=_Secret
        )
        version = secret.metadata.resourceVersion
        try:
            data = {key: base64.b64decode(text) for key, text in (secret.data or {}).items()}
            authorities, faults = decode(data)
        except (ValueError, binascii.Error) as error:
            return Found(None, [str(error)], version)
        return Found(authorities, faults, version)

    def write(self, authorities: Authorities, version: str | None) -> None:
        """Create it, or replace *version* of it; Conflict if somebody wrote it before."""
        data = {key: base64.b64encode(text).decode() for key, text in authorities.encode().items()}
        meta: Json = {
            "name": self.name,
            "labels": {"app.kubernetes.io/name": "modelcache-webhook"},
        }
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": meta,
            "data": data,
        }
        if version is None:
            answer = self._api.request("POST", self._folder, body)
            answer.expect(f"create Secret {self.name}", 201)
            return
        meta["resourceVersion"] = version
        answer = self._api.request("PUT", f"{self._folder}/{self.name}", body)
        if answer.code == 422:
            raise answer.refusal(
                f"can't replace Secret {self.name}, which is not of type Opaque: delete it, and a"
                f" new one is created: kubectl delete secret {self.name} -n <namespace>"
            )
        if answer.code == 404:
            raise Conflict(answer.code, "deleted since it was read")
        answer.expect(f"replace Secret {self.name}", 200)
