"""Read and write our entries in the MutatingWebhookConfiguration: caBundle and failurePolicy.

No other field is written. Entries are found by name, never by position.
"""

import base64
import binascii
import datetime as dt
from typing import Final

import msgspec

from certs.bundle import holds, same
from webhook.api_server.controller_client import ControllerApi, ObjectMeta, unchanged
from webhook.objects.json import Json
from webhook.objects.json_patch import add, test

FOLDER: Final = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
MANAGER: Final = "modelcache-webhook"
"""The field manager of caBundle."""
POLICY_MANAGER: Final = "modelcache-webhook-policy"
"""The field manager of failurePolicy: managedFields then says when we wrote it."""
OURS: Final = ".modelcache.io"
"""The end of the names of our entries."""


class _Client(msgspec.Struct):
    caBundle: str = ""  # noqa: N815  # the API's name


class _Entry(msgspec.Struct):
    name: str
    clientConfig: _Client = msgspec.field(default_factory=_Client)  # noqa: N815
    failurePolicy: str = "Fail"  # noqa: N815
    timeoutSeconds: int = 10  # noqa: N815


class _Managed(msgspec.Struct):
    manager: str = ""
    time: dt.datetime | None = None
    fieldsV1: msgspec.Raw = msgspec.Raw(b"{}")  # noqa: N815


class _Meta(ObjectMeta):
    managedFields: list[_Managed] = []  # noqa: N815, RUF012  # msgspec copies defaults


class _Configuration(msgspec.Struct):
    metadata: _Meta
    webhooks: list[_Entry] = []


class Registered(msgspec.Struct, frozen=True):
    """Our entries, by their position."""

    version: str
    entries: dict[int, _Entry]
    chosen: dt.datetime | None = None
    """When a replica wrote failurePolicy; None if no replica did."""

    def trusts(self, authority: bytes) -> bool:
        """Return whether every entry trusts *authority*, PEM; true if there is no entry."""
        return all(holds(_bundle(entry), authority) for entry in self.entries.values())

    @property
    def bundled(self) -> bool:
        """Whether every entry has a caBundle; the API server trusts no certificate without one."""
        return all(entry.clientConfig.caBundle for entry in self.entries.values())

    @property
    def timeout_seconds(self) -> int:
        """The longest time that the API server waits for our answer; 0 without entries."""
        return max((entry.timeoutSeconds for entry in self.entries.values()), default=0)

    def bundle_patch(self, wanted: bytes) -> list[Json]:
        """Return the operations (RFC 6902) that set every caBundle to *wanted*, PEM."""
        text = base64.b64encode(wanted).decode()
        return self._patch(
            "clientConfig/caBundle",
            text,
            [place for place, entry in self.entries.items() if not same(_bundle(entry), wanted)],
        )

    def policy_patch(self, *, fail: bool, started: dt.datetime) -> list[Json]:
        """Return the operations that set failurePolicy to Fail, or reset it if a replica set it.

        Nothing is done if a replica wrote it after *started*, the start of this one: in a rollout,
        the options of the newer replica win.
        """
        if self.chosen is None and not fail:
            return []
        if self.chosen is not None and self.chosen > started:
            return []
        wanted = "Fail" if fail else "Ignore"
        others = [place for place, one in self.entries.items() if one.failurePolicy != wanted]
        return self._patch("failurePolicy", wanted, others)

    def _patch(self, field: str, value: str, places: list[int]) -> list[Json]:
        """Return operations that fail if the object was written, or an entry moved, since."""
        found: list[Json] = []
        for place in places:
            entry = f"/webhooks/{place}"
            found += [
                test(f"{entry}/name", self.entries[place].name),
                add(f"{entry}/{field}", value),
            ]
        return [unchanged(self.version), *found] if found else []


class Configuration:
    """The MutatingWebhookConfiguration *name*."""

    def __init__(self, api: ControllerApi, name: str) -> None:
        self.name = name
        self._api = api

    def read(self) -> Registered:
        """Return our entries, none if the object does not exist; Refused if it can't be read."""
        answer = self._api.request("GET", f"{FOLDER}/{self.name}")
        if answer.code == 404:
            return Registered("", {})
        doing = f"read MutatingWebhookConfiguration {self.name}"
        found = msgspec.json.decode(answer.expect(doing, 200).body, type=_Configuration)
        entries = {
            place: entry for place, entry in enumerate(found.webhooks) if entry.name.endswith(OURS)
        }
        chosen = [
            one.time
            for one in found.metadata.managedFields
            if one.manager == POLICY_MANAGER and b'"f:failurePolicy"' in bytes(one.fieldsV1)
        ]
        return Registered(found.metadata.resourceVersion, entries, chosen[0] if chosen else None)

    def patch(self, operations: list[Json], manager: str = MANAGER) -> None:
        """Write; Conflict if the object was written since, Refused if it can't be written."""
        query = [("fieldManager", manager)]
        answer = self._api.request("PATCH", f"{FOLDER}/{self.name}", operations, query=query)
        answer.expect(f"patch MutatingWebhookConfiguration {self.name}", 200)


def _bundle(entry: _Entry) -> bytes:
    try:
        return base64.b64decode(entry.clientConfig.caBundle, validate=True)
    except binascii.Error:
        return b""
