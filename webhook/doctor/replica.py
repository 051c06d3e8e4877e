"""What a replica serves on its ports, reached through the API server."""

import http.client
import ssl
from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from webhook.api_server.client import Api
from webhook.api_server.errors import Forbidden, RequestFailed
from webhook.doctor.bundle import certificates
from webhook.doctor.finding import Finding, kubectl, ok, warning
from webhook.doctor.installation import Installation, container_of, port_of
from webhook.objects.json import Json

_HEALTH: Final = 8080


def nobody_runs(url: str) -> Finding:
    """Return the finding if there is no replica to ask; *url*: what is called in place of one."""
    if url:
        return ok("the webhook is called by URL: the cluster does not know its replicas")
    return warning("no replica is running", "fix what the check deployment found")


def pages(installation: Installation, *paths: str) -> Iterator[tuple[Json, list[str]] | Finding]:
    """Yield each replica that runs with its pages at *paths*, or why it could not be asked."""
    if not installation.running:
        yield nobody_runs(installation.url)
    for pod in installation.running:
        port = port_of(container_of(pod["spec"]), "health") or _HEALTH
        try:
            yield pod, [http_get(installation.api, pod, port, path) for path in paths]
        except Forbidden:
            raise
        except RequestFailed as fault:
            yield warning(f"could not ask {pod['metadata']['name']}: {fault}", logs(pod))


def logs(pod: Json) -> str:
    """Return the command that shows what a replica logs."""
    return kubectl("logs", "-n", pod["metadata"]["namespace"], pod["metadata"]["name"])


def http_get(api: Api, pod: Json, port: int, path: str) -> str:
    """Return the body at *path* of an HTTP port, whatever the status."""
    with api.forwarded(pod, port) as leading:
        asking = http.client.HTTPConnection("localhost", port)
        asking.sock = leading
        asking.request("GET", path, headers={"Connection": "close"})
        return asking.getresponse().read().decode(errors="replace")


def certificate(api: Api, pod: Json, port: int, host: str, bundle: bytes | None) -> bytes:
    """Return the certificate that a port serves, DER.

    With a *bundle*, SSLCertVerificationError if the API server would not trust it for *host*.
    """
    with (
        api.forwarded(pod, port) as leading,
        trusting(bundle).wrap_socket(leading, server_hostname=host) as tls,
    ):
        return tls.getpeercert(binary_form=True) or b""


def trusting(bundle: bytes | None) -> ssl.SSLContext:
    """Return a context that trusts *bundle* as Go does; None: that trusts anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    if bundle is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # not only self-signed certificates
    trusted = b"".join(one.public_bytes(Encoding.DER) for one in certificates(bundle))
    context.load_verify_locations(cadata=trusted)
    return context
