"""Requests to the API server, with the credentials of a kubeconfig or of the pod that we run in.

Objects are plain dicts: typed models would drop what they do not know.
"""

import json
import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode

import urllib3
from kubernetes import client, config

from webhook import __version__

Object: TypeAlias = dict[str, Any]
_SECONDS: Final = (5, 20)
"""To connect, and for an answer: an admission may take its 5 s more than once."""
_WARNING: Final = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')
_NOT_ALLOWED: Final = re.compile(r"User \".*\" cannot ")


class Unreachable(Exception):
    """The API server gave no answer, or knows nobody by our credentials."""


class Refused(Exception):
    """The API server said no; its message, and the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class Missing(Refused):
    """There is no such object, or no such kind."""


class Forbidden(Exception):
    """We are not allowed to ask; what an admission forbids is Refused."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and the server's clock beside ours in the middle of the request."""

    body: Object
    warnings: tuple[str, ...]
    server_time: datetime | None
    our_time: datetime


def path(*segments: str) -> str:
    """Return the path of *segments*, each escaped."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


class Api:
    """A connection to one API server."""

    def __init__(self, kubeconfig: Path | None = None, context: str | None = None) -> None:
        self.client = client.ApiClient(_configuration(kubeconfig, context))
        self.client.user_agent = f"modelcache-doctor/{__version__}"

    @property
    def address(self) -> str:
        """Where the API server is."""
        return str(self.client.configuration.host)

    def get(self, *segments: str, **query: str) -> Object:
        """Return the object at a path."""
        return self.request("GET", path(*segments), query).body

    def items(self, *segments: str, **query: str) -> list[Object]:
        """Return the objects of the collection at a path."""
        items: list[Object] = self.get(*segments, **query).get("items") or []
        return items

    def dry_run(self, body: Object, *segments: str) -> Answer:
        """Return what the server would answer to the creation of *body*; nothing is created."""
        return self.request("POST", path(*segments), {"dryRun": "All"}, body)

    def request(
        self, method: str, where: str, query: dict[str, str], body: Object | None = None
    ) -> Answer:
        """Return the answer; Unreachable, Missing, Forbidden or Refused if there is no good one."""
        url = f"{where}?{urlencode(query)}" if query else where
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        began = time.time()
        try:
            serialized = self.client.param_serialize(
                method, url, header_params=headers, body=body, auth_settings=["BearerToken"]
            )
            found = self.client.call_api(*serialized, _request_timeout=_SECONDS)
            content = found.read()  # type: ignore[no-untyped-call]
        except (urllib3.exceptions.HTTPError, client.ApiException, OSError) as error:
            raise Unreachable(_reason(error)) from error
        ours = datetime.fromtimestamp((began + time.time()) / 2, UTC)
        return _answer(found.status, content, found.headers, ours)


def _configuration(kubeconfig: Path | None, context: str | None) -> client.Configuration:
    """Return how to reach the API server, as kubectl would; ValueError if nothing says it."""
    found = client.Configuration()
    found.retries = False
    try:
        if not kubeconfig and not context and _in_pod():
            config.load_incluster_config(client_configuration=found)  # type: ignore[no-untyped-call]
        else:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                str(kubeconfig) if kubeconfig else None,
                context,
                client_configuration=found,
                persist_config=False,
            )
    except Exception as error:  # the package raises whatever the content leads it to
        raise ValueError(" ".join(str(error).split())) from error
    return found


def _in_pod() -> bool:
    default = Path(config.KUBE_CONFIG_DEFAULT_LOCATION.split(os.pathsep)[0]).expanduser()
    return "KUBERNETES_SERVICE_HOST" in os.environ and not default.exists()


def _answer(status: int, content: bytes, headers: Any, ours: datetime) -> Answer:  # noqa: ANN401  # urllib3's
    if status >= 400:
        raise refusal(status, content)
    warnings = _WARNING.findall(", ".join(headers.getlist("Warning")))
    date = headers.get("Date")
    return Answer(
        _decoded(content),
        tuple(re.sub(r"\\(.)", r"\1", text) for text in warnings),
        parsedate_to_datetime(date) if date else None,
        ours,
    )


def _decoded(content: bytes) -> Object:
    """Return an object; an empty one of what is none, as a proxy on the way may send."""
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def refusal(status: int, content: bytes) -> Exception:
    """Return what an answer with *status* and *content* is raised as."""
    message = str(_decoded(content).get("message") or content.decode(errors="replace")[:500])
    match status:
        case 401:
            return Unreachable(f"it does not know us: {message}")
        case 403 if _NOT_ALLOWED.search(message):
            return Forbidden(message)
        case 404:
            return Missing(status, message)
        case _:
            return Refused(status, message)


def _reason(error: Exception) -> str:
    """Return the innermost reason, which names the fault and not the pool of connections."""
    if isinstance(error, client.ApiException):
        return str(error.reason).replace("\n", ": ")
    return str(getattr(error, "reason", None) or error)
