"""Requests to an API server, by paths and JSON alone: what the controller and the doctor share.

Typed models would cost 20 MiB, and drop what they do not know.
"""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import load_incluster_config, load_kube_config

_JSON: Final = "application/json"
_JSON_PATCH: Final = "application/json-patch+json"
_LONGEST: Final = 300
"""Characters that are told of an error."""


class Unreachable(Exception):
    """The API server gave no answer, or knows nobody by our credentials."""


def access(
    kubeconfig: Path | None = None, context: str | None = None, *, in_pod: bool
) -> Configuration:
    """Return how to reach the API server, *in_pod* as its ServiceAccount, else as kubectl would.

    ValueError if nothing says it.
    """
    found = Configuration()
    found.retries = False
    try:
        if in_pod:
            load_incluster_config(client_configuration=found)  # type: ignore[no-untyped-call]
        else:
            load_kube_config(  # type: ignore[no-untyped-call]
                str(kubeconfig) if kubeconfig else None,
                context,
                client_configuration=found,
                persist_config=False,
            )
    except Exception as error:  # the package raises whatever the content leads it to
        raise ValueError(" ".join(str(error).split())) from error
    return found


class KubernetesApi:
    """One API server."""

    def __init__(self, configuration: Configuration) -> None:
        self.client = ApiClient(configuration)

    @contextlib.contextmanager
    def answering(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401  # JSON
        *,
        query: Sequence[tuple[str, str]] = (),
        seconds: tuple[float, float],
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Yield the answer, whatever its status, to be read in the block.

        Unreachable if there is none, or if it breaks off; *seconds* to connect, and for each read.
        """
        headers = {"Accept": _JSON}
        if body is not None:
            headers["Content-Type"] = _JSON_PATCH if method == "PATCH" else _JSON
        request = self.client.param_serialize(
            method=method,
            resource_path=path,
            query_params=list(query),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            with self.client.call_api(*request, _request_timeout=seconds).response as response:
                yield response
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            raise Unreachable(reason(error)) from error


def date(response: urllib3.BaseHTTPResponse) -> datetime | None:
    """Return the API server's time, exact to a second (RFC 9110 section 6.6.1)."""
    try:
        told = parsedate_to_datetime(response.headers.get("Date") or "")
    except ValueError:
        return None
    return told if told.tzinfo else None


class _Status(msgspec.Struct):
    message: str = ""


def message(body: bytes) -> str:
    """Return what the API server says of a refusal; empty if *body* is none."""
    try:
        return msgspec.json.decode(body, type=_Status).message
    except msgspec.DecodeError:
        return ""


def reason(error: Exception) -> str:
    """Return the innermost reason in one line, which holds no header and no body."""
    told = str(getattr(error, "reason", None) or error)
    return told.replace("\n", ": ")[:_LONGEST]
