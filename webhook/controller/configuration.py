"""Owns two fields of our entries in the MutatingWebhookConfiguration: caBundle, failurePolicy.

Entries are known by name, never by place; nothing else is ever written.
"""

import base64
import binascii
from typing import Any, Final

import msgspec

from certs.bundle import holds, same
from webhook.controller.api_server import ApiServer
from webhook.controller.object_meta import ObjectMeta
from webhook.controller.trouble import expect

FOLDER: Final = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
OURS: Final = ".modelcache.io"
"""What the names of our entries end with."""


class _Client(msgspec.Struct):
    caBundle: str = ""  # noqa: N815  # the API's name


class _Entry(msgspec.Struct):
    name: str
    clientConfig: _Client = msgspec.field(default_factory=_Client)  # noqa: N815
    failurePolicy: str = "Fail"  # noqa: N815


class _Configuration(msgspec.Struct):
    metadata: ObjectMeta
    webhooks: list[_Entry] = []


class Registered(msgspec.Struct, frozen=True):
    """Our entries as they are, by their place."""

    version: str
    entries: dict[int, _Entry]

    def trusts(self, authority: bytes) -> bool:
        """Return whether every entry trusts *authority*, PEM; without entries, nobody asks."""
        return all(holds(_bundle(entry), authority) for entry in self.entries.values())

    def bundle_patch(self, wanted: bytes) -> list[dict[str, Any]]:
        """Return the operations (RFC 6902) that make every bundle the *wanted* one."""
        text = base64.b64encode(wanted).decode()
        return self._patch(
            "clientConfig/caBundle",
            text,
            [place for place, entry in self.entries.items() if not same(_bundle(entry), wanted)],
        )

    def strict_patch(self) -> list[dict[str, Any]]:
        """Return the operations that let the API server refuse what we could not be asked."""
        lax = [place for place, entry in self.entries.items() if entry.failurePolicy != "Fail"]
        return self._patch("failurePolicy", "Fail", lax)

    def _patch(self, field: str, value: str, places: list[int]) -> list[dict[str, Any]]:
        """Return operations that fail if anybody has written since, or moved an entry."""
        found: list[dict[str, Any]] = []
        for place in places:
            entry = f"/webhooks/{place}"
            found += [
                {"op": "test", "path": f"{entry}/name", "value": self.entries[place].name},
                {"op": "add", "path": f"{entry}/{field}", "value": value},
            ]
        version = {"op": "test", "path": "/metadata/resourceVersion", "value": self.version}
        return [version, *found] if found else []


class Configuration:
    """The MutatingWebhookConfiguration *name*."""

    def __init__(self, api: ApiServer, name: str) -> None:
        self.name = name
        self._api = api

    def read(self) -> Registered:
        """Return our entries, none if it does not exist; Trouble if it can't be read."""
        answer = self._api.request("GET", f"{FOLDER}/{self.name}")
        if answer.code == 404:
            return Registered("", {})
        doing = f"read MutatingWebhookConfiguration {self.name}"
        found = msgspec.json.decode(expect(answer, doing, 200).body, type=_Configuration)
        entries = {
            place: entry for place, entry in enumerate(found.webhooks) if entry.name.endswith(OURS)
        }
        return Registered(found.metadata.resourceVersion, entries)

    def patch(self, operations: list[dict[str, Any]]) -> None:
        """Write; Conflict if it is not what was read any more, Trouble if it can't be written."""
        answer = self._api.request("PATCH", f"{FOLDER}/{self.name}", operations)
        expect(answer, f"patch MutatingWebhookConfiguration {self.name}", 200)


def _bundle(entry: _Entry) -> bytes:
    try:
        return base64.b64decode(entry.clientConfig.caBundle, validate=True)
    except binascii.Error:
        return b""
