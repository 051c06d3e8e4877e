"""One API server: requests to it, and connections to ports of its pods.

The only module that imports the kubernetes package, for what it knows of kubeconfigs, tokens and
port forwarding. Its typed models would cost 20 MiB, and drop what they do not know.
"""

import contextlib
import http.client
import os
import ssl
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from socket import SHUT_WR, socket
from typing import Any, Final, Self

import urllib3
import websocket
from kubernetes import client, config, stream

from webhook.api_server.answer import Answer
from webhook.api_server.errors import RequestFailed, Unreachable

_JSON: Final = "application/json"
_JSON_PATCH: Final = "application/json-patch+json"
_LONGEST: Final = 300
"""Characters of an error that are shown."""
_FORWARD_SECONDS: Final = 10.0
"""To connect to a port of a pod, and for each read from it."""


class Connection:
    """The address of an API server, and our credentials for it."""

    def __init__(self, configuration: client.Configuration) -> None:
        self._client = client.ApiClient(configuration)

    @classmethod
    def in_pod(cls) -> Self:
        """Connect as the ServiceAccount of our pod; ValueError outside of a pod."""
        configuration = _configuration()
        with _faults_of_configuration():
            config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=configuration
            )
        return cls(configuration)

    @classmethod
    def by_kubeconfig(cls, path: Path | None = None, context: str | None = None) -> Self:
        """Connect as kubectl would; ValueError if the kubeconfig does not say how."""
        configuration = _configuration()
        with _faults_of_configuration():
            config.load_kube_config(  # type: ignore[no-untyped-call]
                str(path) if path else None,
                context,
                client_configuration=configuration,
                persist_config=False,
            )
        return cls(configuration)

    @property
    def address(self) -> str:
        """The URL of the API server, without a user and a password."""
        url = urllib3.util.parse_url(str(self._client.configuration.host))
        return url._replace(auth=None).url

    def introduce(self, user_agent: str) -> None:
        """Send *user_agent* with each request from now on."""
        self._client.user_agent = user_agent

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401  # JSON
        *,
        query: Sequence[tuple[str, str]] = (),
        seconds: tuple[float, float],
    ) -> Answer:
        """Return the answer, whatever its status.

        Unreachable if there is none; *seconds* to connect, and for each read.
        """
        began = time.time()
        with self.answering(method, path, body, query=query, seconds=seconds) as response:
            return Answer.of(response, began)

    @contextlib.contextmanager
    def answering(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401  # JSON
        *,
        query: Sequence[tuple[str, str]] = (),
        seconds: tuple[float, float],
        accept: str = _JSON,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Yield the answer, whatever its status; the block reads it. *accept*: its media types.

        Unreachable if there is none, or if it breaks off; *seconds* to connect, and for each read.
        """
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = _JSON_PATCH if method == "PATCH" else _JSON
        request = self._client.param_serialize(
            method=method,
            resource_path=path,
            query_params=list(query),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            with self._client.call_api(*request, _request_timeout=seconds).response as response:
                yield response
        except (urllib3.exceptions.HTTPError, client.ApiException, OSError) as error:
            raise Unreachable(_reason(error)) from error

    @contextlib.contextmanager
    def forwarded(self, namespace: str, pod: str, port: int) -> Iterator[socket]:
        """Yield a socket connected to *port* of *pod*, through API server and kubelet.

        Refused or Unreachable if it can't be connected; Unreachable if it fails in the block.
        """
        websocket.setdefaulttimeout(_FORWARD_SECONDS)
        try:
            connection = stream.portforward(
                client.CoreV1Api(self._client).connect_get_namespaced_pod_portforward,
                pod,
                namespace,
                ports=str(port),
            )
        except client.ApiException as error:
            raise _not_forwarded(error) from error
        far = connection.socket(port)
        with contextlib.closing(connection), far.dup() as near:
            near.settimeout(_FORWARD_SECONDS)
            try:
                yield near
            except ssl.SSLCertVerificationError:
                raise
            except (OSError, EOFError, http.client.HTTPException) as error:
                raise Unreachable(str(connection.error(port) or error or "no answer")) from error
            finally:
                _drain(far)


def runs_in_pod() -> bool:
    """Return whether this process runs in a pod of a cluster."""
    return "KUBERNETES_SERVICE_HOST" in os.environ


def default_kubeconfig() -> Path:
    """Return the file that kubectl reads first."""
    return Path(config.KUBE_CONFIG_DEFAULT_LOCATION.split(os.pathsep)[0]).expanduser()


def _configuration() -> client.Configuration:
    found = client.Configuration()
    found.retries = False
    return found


@contextlib.contextmanager
def _faults_of_configuration() -> Iterator[None]:
    """Raise whatever goes wrong as a ValueError of one line."""
    try:
        yield
    except Exception as error:  # the package lets errors of any kind through
        raise ValueError(" ".join(str(error).split())) from error


def _drain(far: socket) -> None:
    """Read to the end: the package's thread crashes if this socket is closed before."""
    far.settimeout(1)
    with contextlib.suppress(OSError):
        far.shutdown(SHUT_WR)
        while far.recv(65536):
            pass


def _not_forwarded(error: client.ApiException) -> RequestFailed:
    """Return our error for *error*: its status is only in the exception that it replaced."""
    cause = error.__context__
    if isinstance(cause, websocket.WebSocketBadStatusException):
        now = datetime.now(UTC)
        body = cause.resp_body or str(cause).encode()
        return Answer(cause.status_code, body, (), None, now).refusal()
    return Unreachable(str(error.reason))


def _reason(error: Exception) -> str:
    """Return the innermost reason on one line, without headers and body."""
    said = str(getattr(error, "reason", None) or error)
    return said.replace("\n", ": ")[:_LONGEST]
