"""Requests to the API server, by paths and JSON alone: typed models would cost 20 MiB."""

import os
import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import load_incluster_config, load_kube_config
from kubernetes.config.config_exception import ConfigException

from webhook.controller.clock import Clock

CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 10
WATCH_SECONDS: Final = 60
"""The API server ends a watch after that, so that a dead connection is not believed for long."""
JSON: Final = "application/json"
JSON_PATCH: Final = "application/json-patch+json"


class Unreachable(Exception):
    """The API server did not answer."""


class Answer(msgspec.Struct, frozen=True):
    """Status code and body."""

    code: int
    body: bytes

    def why(self) -> str:
        """Return what the API server says of a refusal, one line."""
        try:
            said = msgspec.json.decode(self.body, type=_Status).message
        except msgspec.DecodeError:
            said = ""
        return f"{self.code} {said[:300]}".replace("\n", " ").strip()


class _Status(msgspec.Struct):
    message: str = ""


class ApiServer:
    """One API server, as the pod's service account or the kubeconfig of its user."""

    def __init__(self, clock: Clock) -> None:
        configuration = Configuration()
        try:
            if "KUBERNETES_SERVICE_HOST" in os.environ:
                load_incluster_config(configuration)  # type: ignore[no-untyped-call]
            else:
                load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except (ConfigException, OSError) as error:
            raise Unreachable(f"no access to an API server: {error}") from error
        configuration.retries = False
        self._client = ApiClient(configuration)
        self._clock = clock

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401  # JSON
        *,
        query: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Return the answer, whatever its code; Unreachable if there is none."""
        with self._call(method, path, body, query, READ_SECONDS) as response:
            try:
                return Answer(response.status, response.read())
            except urllib3.exceptions.HTTPError as error:
                raise Unreachable(_told(error)) from error

    def watch(self, path: str, name: str) -> Iterator[None]:
        """Yield once it is watched, and at each change of the object *name*, until that ends."""
        seconds = str(random.randint(WATCH_SECONDS // 2, WATCH_SECONDS))  # noqa: S311  # spread
        query = [
            ("watch", "true"),
            ("fieldSelector", f"metadata.name={name}"),
            ("timeoutSeconds", seconds),
        ]
        with self._call("GET", path, None, query, WATCH_SECONDS + READ_SECONDS) as response:
            if response.status != 200:
                raise Unreachable(Answer(response.status, response.read()).why())
            yield
            try:
                for _ in response.stream(2**16):
                    yield
            except urllib3.exceptions.HTTPError as error:
                raise Unreachable(_told(error)) from error

    def _call(
        self,
        method: str,
        path: str,
        body: Any,  # noqa: ANN401
        query: Sequence[tuple[str, str]],
        seconds: float,
    ) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": JSON}
        if body is not None:
            headers["Content-Type"] = JSON_PATCH if method == "PATCH" else JSON
        request = self._client.param_serialize(
            method=method,
            resource_path=path,
            query_params=list(query),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            found = self._client.call_api(*request, _request_timeout=(CONNECT_SECONDS, seconds))
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            raise Unreachable(_told(error)) from error
        response: urllib3.BaseHTTPResponse = found.response
        self._clock.heard(response.headers.get("Date"))
        return response


def _told(error: Exception) -> str:
    """Return what an error says, in one line that holds no header and no body."""
    reason = getattr(error, "reason", None)
    return f"{type(error).__name__}: {reason or error}".replace("\n", " ")[:300]
