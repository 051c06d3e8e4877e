"""A namespace and a registration for the controllers of one test."""

import base64
import datetime as dt
import itertools

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.controllers import Controller
from tests.kubernetes.registration import GROUP, mutating, webhook
from webhook.controller.messages import Certificate
from webhook.controller.options import Options

KIND = "MutatingWebhookConfiguration"
NAMES = ("workloads.modelcache.io", "inject.modelcache.io")
SELECTOR: Object = {"matchLabels": {"modelcache.io/tests": "none"}}
FOREIGN = "admission.example.com"
_numbers = itertools.count(1)


class Place:
    """A namespace and a registration, with names that no other test uses."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane = plane
        self.namespace = namespace
        self.configuration = f"controllers-{next(_numbers)}"

    def options(self, **fields: object) -> Options:
        known: dict[str, object] = {
            "namespace": self.namespace,
            "service": "modelcache-webhook",
            "secret": "authorities",
            "configuration": self.configuration,
            "settle_seconds": 0.5,
        }
        return Options(**{**known, **fields})  # type: ignore[arg-type]

    def register(self) -> None:
        service = {"name": "modelcache-webhook", "namespace": self.namespace, "path": "/mutate"}
        hooks = [
            webhook(name, {"service": service}, failurePolicy="Ignore", objectSelector=SELECTOR)
            for name in (FOREIGN, *NAMES)
        ]
        self.plane.api.create(mutating(self.configuration, *hooks)).expect(201)

    def registered(self) -> Object:
        return self.plane.api.get(GROUP, KIND, self.configuration).expect().body

    def bundles(self) -> dict[str, bytes]:
        return {
            hook["name"]: base64.b64decode(hook["clientConfig"].get("caBundle", ""))
            for hook in self.registered()["webhooks"]
        }

    def trusted(self) -> list[x509.Certificate]:
        """Return what both entries of ours trust; empty unless they agree."""
        bundles = self.bundles()
        first, second = (bundles[name] for name in NAMES)
        if first != second or not first:
            return []
        try:
            return x509.load_pem_x509_certificates(first)
        except ValueError:
            return []

    def write_bundle(self, bundle: bytes, *names: str) -> None:
        obj = self.registered()
        for hook in obj["webhooks"]:
            if hook["name"] in (names or NAMES):
                hook["clientConfig"]["caBundle"] = base64.b64encode(bundle).decode()
        self.plane.api.replace(obj).expect()

    def secret(self) -> Object:
        return self.plane.api.get("v1", "Secret", "authorities", self.namespace).expect().body

    def signs(self) -> x509.Certificate | None:
        """Return the authority that signs; None if the Secret has none."""
        try:
            text = base64.b64decode(self.secret()["data"]["ca.crt"])
            return x509.load_pem_x509_certificate(text)
        except (KeyError, ValueError):
            return None


def assert_trusted(place: Place, found: list[Controller]) -> None:
    """See that the registration trusts the leaf of each of *found*; if not, show all that is known."""
    leaves = [controller.leaf for controller in found]  # before: a leaf follows its authority
    authorities = place.trusted()
    distrusted = [
        f"{number} at {dt.datetime.now(dt.UTC)}: {_life(leaf)}, trusted {[*map(_life, authorities)]},"
        f" {[m for m in found[number].messages if not isinstance(m, Certificate)][-8:]}"
        for number, leaf in enumerate(leaves)
        if not any(_issued(leaf, authority) for authority in authorities)
    ]
    assert not distrusted, "\n".join(distrusted)


def _life(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number % 10**6} until {certificate.not_valid_after_utc}"


def _issued(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(authority)
    except InvalidSignature:
        return False
    return True
