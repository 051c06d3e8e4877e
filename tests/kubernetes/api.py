"""Owns the client of the API server for tests: objects are plain dicts, a request costs milliseconds.

No answer raises an exception: tests check status, text and warnings of refusals too.
"""

import dataclasses
import json
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import httpx

from tests.kubernetes.certificates import Pair

Object = dict[str, Any]

CLUSTER_SCOPED: Final = frozenset({
    "CachePolicy", "CachedModel", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
    "FlowSchema",
    "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
    "Namespace", "Node", "PersistentVolume", "PriorityClass", "RuntimeClass", "StorageClass",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
})  # fmt: skip
WARNING: Final = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the API server."""

    code: int
    body: Object
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the request was carried out."""
        return self.code < 400

    @property
    def message(self) -> str:
        """The text of a refusal; empty if there is none."""
        return str(self.body.get("message", ""))

    @property
    def reason(self) -> str:
        """The machine-readable reason of a refusal."""
        return str(self.body.get("reason", ""))

    def expect(self, *codes: int) -> "Answer":
        """Return the answer if its code is one of *codes* (default: any success)."""
        if self.code not in codes if codes else not self.ok:
            raise AssertionError(f"{self.code}: {self.message or json.dumps(self.body)[:2000]}")
        return self


def plural(kind: str) -> str:
    """Return the resource of a kind."""
    lower = kind.lower()
    if lower.endswith("y"):
        return lower[:-1] + "ies"
    return lower + ("es" if lower.endswith("s") else "s")


def url(api_version: str, kind: str, namespace: str = "", name: str = "") -> str:
    """Return the path of a collection, or of the object *name* in it."""
    parts = ["apis" if "/" in api_version else "api", api_version]
    if kind not in CLUSTER_SCOPED:
        parts += ["namespaces", namespace or "default"]
    return "/" + "/".join([*parts, plural(kind), *([name] if name else [])])


def url_of(obj: Object) -> str:
    """Return the path of an object that has a name."""
    meta = obj["metadata"]
    return url(obj["apiVersion"], obj["kind"], meta.get("namespace", ""), meta["name"])


class Api:
    """A connection with one client certificate; the argument `user` impersonates any other user."""

    def __init__(self, base: str, authority: str, pair: Pair) -> None:
        context = ssl.create_default_context(cafile=authority)
        context.load_cert_chain(pair.certificate, pair.key)
        # Threads share the client. Its pool may close a connection that is old, or one of too many,
        # after it has given it to a thread, which then fails with "Bad file descriptor". So no
        # connection is ever too old or one too many.
        unlimited = httpx.Limits(max_keepalive_connections=None, keepalive_expiry=None)
        self._client = httpx.Client(
            base_url=base, verify=context, timeout=70, trust_env=False, limits=unlimited
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        dry_run: bool = False,
        user: str = "",
        groups: Sequence[str] = (),
        extra: Mapping[str, str] | None = None,
        media_type: str = "application/json",
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send *body*: bytes as they are, anything else as JSON."""
        headers = [("content-type", media_type), ("accept", "application/json")]
        if user:
            headers.append(("impersonate-user", user))
            headers += [("impersonate-group", group) for group in groups]
            for key, value in (extra or {}).items():
                headers.append((f"impersonate-extra-{quote(key, safe='')}", value))
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        query = {**(params or {}), **({"dryRun": "All"} if dry_run else {})}
        answer = self._client.request(method, path, content=content, headers=headers, params=query)
        try:
            decoded = answer.json()
        except ValueError:
            decoded = {"message": answer.text}
        warnings = WARNING.findall(", ".join(answer.headers.get_list("warning")))
        return Answer(
            answer.status_code, decoded, tuple(re.sub(r"\\(.)", r"\1", text) for text in warnings)
        )

    def create(
        self, obj: Object, *, dry_run: bool = False, user: str = "", **params: str
    ) -> Answer:
        """Create *obj* in its namespace, or in `default`."""
        namespace = obj.get("metadata", {}).get("namespace", "")
        path = url(obj["apiVersion"], obj["kind"], namespace)
        return self.request("POST", path, obj, dry_run=dry_run, user=user, params=params)

    def apply(self, obj: Object, *, dry_run: bool = False, manager: str = "tests") -> Answer:
        """Create or change *obj* by a server-side apply."""
        return self.request(
            "PATCH",
            url_of(obj),
            obj,
            dry_run=dry_run,
            media_type="application/apply-patch+yaml",
            params={"fieldManager": manager, "force": "true"},
        )

    def replace(self, obj: Object, *, dry_run: bool = False) -> Answer:
        """Replace the object that has the name of *obj*."""
        return self.request("PUT", url_of(obj), obj, dry_run=dry_run)

    def merge(self, obj: Object, patch: Object, *, dry_run: bool = False) -> Answer:
        """Change *obj* on the server with a JSON merge patch."""
        kind = "application/merge-patch+json"
        return self.request("PATCH", url_of(obj), patch, dry_run=dry_run, media_type=kind)

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Answer:
        """Read one object."""
        return self.request("GET", url(api_version, kind, namespace, name))

    def list(self, api_version: str, kind: str, namespace: str = "", **params: str) -> list[Object]:
        """Read all objects of a kind in a namespace."""
        answer = self.request("GET", url(api_version, kind, namespace), params=params)
        items: list[Object] = answer.expect().body["items"]
        return items

    def delete(self, obj: Object) -> Answer:
        """Delete *obj* without a grace period; 404 is not an error."""
        return self.request("DELETE", url_of(obj), {"gracePeriodSeconds": 0})
