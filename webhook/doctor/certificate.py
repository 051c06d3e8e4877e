"""Check the certificate that each replica serves, as the API server verifies it."""

import ssl
from collections.abc import Iterator
from typing import Final

from webhook.api_server.errors import Forbidden, Missing, RequestFailed
from webhook.doctor.bundle import Lifetime, certificates, lifetime
from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, error, kubectl, ok, warning
from webhook.doctor.installation import WEBHOOKS, Installation, container_of, port_of
from webhook.doctor.replica import certificate, nobody_runs
from webhook.objects.json import Json

_PORT: Final = 8443


def _run(installation: Installation) -> Iterator[Finding]:
    if not installation.running:
        yield nobody_runs(installation.url)
    for pod in installation.running:
        try:
            yield from _verified(installation, pod)
        except Forbidden:
            raise
        except RequestFailed as fault:
            yield warning(
                f"could not get the certificate of {pod['metadata']['name']}: {fault}",
                kubectl("logs", "-n", pod["metadata"]["namespace"], pod["metadata"]["name"]),
            )


def _verified(installation: Installation, pod: Json) -> Iterator[Finding]:
    """Yield whether each caBundle would trust the certificate of *pod*."""
    name, host = pod["metadata"]["name"], installation.called.host
    port = port_of(container_of(pod["spec"]), "https") or _PORT
    served = lifetime(certificate(installation.api, pod, port, host, None))
    refused = False
    for bundle, entries in _bundles(installation).items():
        try:
            certificate(installation.api, pod, port, host, bundle)
        except ssl.SSLCertVerificationError as fault:
            refused = True
            yield error(
                f"{name} serves {served.subject}, signed by {served.issuer}, which "
                f"{' and '.join(entries)} would not trust: {fault.verify_message}",
                _fix(installation, served),
            )
    if not refused:
        yield _lasting(installation, name, served)


def _bundles(installation: Installation) -> dict[bytes, list[str]]:
    """Return the bundles that are not empty, each with the webhooks that have it."""
    found: dict[bytes, list[str]] = {}
    for entry in WEBHOOKS:
        try:
            bundle = installation.bundle(entry)
        except Missing:
            continue
        if certificates(bundle):
            found.setdefault(bundle, []).append(entry)
    return found


def _lasting(installation: Installation, name: str, served: Lifetime) -> Finding:
    now = installation.now()
    if served.expired(now) or served.pending(now):
        state = "has expired" if served.expired(now) else "is not valid yet"
        return error(
            f"{name}: {served.subject} {state} by the API server's clock",
            _fix(installation, served),
        )
    if served.ends_soon(now):
        return warning(
            f"{name}: {served.subject} expires at {served.until}", _fix(installation, served)
        )
    return ok(f"{name} serves {served.subject}, signed by {served.issuer}, until {served.until}")


def _fix(installation: Installation, served: Lifetime) -> str:
    called = installation.called
    names = [one["metadata"]["name"] for one in installation.deployments]
    restart = kubectl(
        "rollout", "restart", "-n", called.namespace, *(f"deployment/{name}" for name in names)
    )
    return (
        f"serve a valid certificate for {called.host} whose CA is in caBundle: renew the Secret "
        f"that --cert and --key come from, or put the CA of {served.issuer} into caBundle; with "
        f"--self-signed: {restart}"
    )


CHECK: Final = Check(
    name="certificate",
    looks_at="the certificate that each replica serves, through a forwarded port: whether the API "
    "server trusts it, by each caBundle, the Service's name and the API server's clock",
    may=(
        "get mutatingwebhookconfigurations",
        "get services",
        "list deployments.apps",
        "list pods",
        "get pods/portforward",
        "create pods/portforward",
    ),
    run=_run,
)
