"""A connection to a port of a replica, through the API server and the replica's kubelet."""

import contextlib
import http.client
import ssl
from collections.abc import Iterator
from socket import SHUT_WR, socket
from typing import Final

import websocket
from cryptography.hazmat.primitives.serialization import Encoding
from kubernetes import client, stream

from webhook.api_server.client import Api, Object, refusal
from webhook.api_server.connection import Unreachable
from webhook.doctor.bundle import certificates
from webhook.doctor.finding import Finding, ok, warning

_SECONDS: Final = 10.0


@contextlib.contextmanager
def forwarded(api: Api, pod: Object, port: int) -> Iterator[socket]:
    """Yield a socket that leads to *port* of *pod*; Refused or Unreachable if none does."""
    websocket.setdefaulttimeout(_SECONDS)
    try:
        connection = stream.portforward(
            client.CoreV1Api(api.client).connect_get_namespaced_pod_portforward,
            pod["metadata"]["name"],
            pod["metadata"]["namespace"],
            ports=str(port),
        )
    except client.ApiException as error:
        raise _refusal(error) from error
    ending = connection.socket(port)
    with contextlib.closing(connection), ending.dup() as leading:
        leading.settimeout(_SECONDS)
        try:
            yield leading
        except ssl.SSLCertVerificationError:
            raise
        except (OSError, EOFError, http.client.HTTPException) as error:
            raise Unreachable(str(connection.error(port) or error or "no answer")) from error
        finally:
            _drain(ending)


def _drain(ending: socket) -> None:
    """Read what is left: the package's thread does not survive a socket that ends before."""
    ending.settimeout(1)
    with contextlib.suppress(OSError):
        ending.shutdown(SHUT_WR)
        while ending.recv(65536):
            pass


def nobody_runs(url: str) -> Finding:
    """Return what is found where there is no replica to ask, or a *url* leads to one unknown."""
    if url:
        return ok("where the URL leads is not known to the cluster")
    return warning("no replica runs that could be asked", "mend what the check deployment found")


def http_get(api: Api, pod: Object, port: int, path: str) -> str:
    """Return what *path* of a plain port says, whatever the status."""
    with forwarded(api, pod, port) as leading:
        asking = http.client.HTTPConnection("localhost", port)
        asking.sock = leading
        asking.request("GET", path, headers={"Connection": "close"})
        return asking.getresponse().read().decode(errors="replace")


def certificate(api: Api, pod: Object, port: int, host: str, bundle: bytes | None) -> bytes:
    """Return the certificate that a port serves, DER.

    With a *bundle*, SSLCertVerificationError if the API server would not take it for *host*'s.
    """
    with (
        forwarded(api, pod, port) as leading,
        trusting(bundle).wrap_socket(leading, server_hostname=host) as tls,
    ):
        return tls.getpeercert(binary_form=True) or b""


def trusting(bundle: bytes | None) -> ssl.SSLContext:
    """Return a context that trusts what *bundle* holds, as Go does, or anything if it is None."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    if bundle is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a root need not be self-signed
    trusted = b"".join(one.public_bytes(Encoding.DER) for one in certificates(bundle))
    context.load_verify_locations(cadata=trusted)
    return context


def _refusal(error: client.ApiException) -> Exception:
    """Return what the package says in words alone, by the exception that it had."""
    cause = error.__context__
    if isinstance(cause, websocket.WebSocketBadStatusException):
        return refusal(cause.status_code, cause.resp_body or str(cause).encode())
    return Unreachable(str(error.reason))
