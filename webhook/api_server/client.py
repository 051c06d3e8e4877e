"""Requests of commands to the API server, by a kubeconfig or as the pod that we run in.

Objects are plain dicts: typed models would drop what they do not know.
"""

import json
import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import urllib3
from kubernetes import config

from webhook import __version__
from webhook.api_server.connection import KubernetesApi, Unreachable, access, date

Object: TypeAlias = dict[str, Any]
_SECONDS: Final = (5, 20)
"""To connect, and for an answer: an admission may take its 5 s more than once."""
_PAGE: Final = "500"
"""Objects in one answer, as kubectl asks."""
_WARNING: Final = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')
_NOT_ALLOWED: Final = re.compile(r"User \".*\" cannot ")


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


class Api(KubernetesApi):
    """A connection to one API server."""

    def __init__(self, kubeconfig: Path | None = None, context: str | None = None) -> None:
        in_pod = not kubeconfig and not context and _in_pod()
        super().__init__(access(kubeconfig, context, in_pod=in_pod))
        self.client.user_agent = f"modelcache/{__version__}"

    @property
    def address(self) -> str:
        """Where the API server is."""
        return str(self.client.configuration.host)

    def get(self, *segments: str, **query: str) -> Object:
        """Return the object at a path."""
        return self.request("GET", path(*segments), query).body

    def items(self, *segments: str, **query: str) -> list[Object]:
        """Return the objects of the collection at a path."""
        found: list[Object] = []
        page = {"limit": _PAGE}
        while True:
            part = self.get(*segments, **query, **page)
            found += part.get("items") or []
            if not (further := (part.get("metadata") or {}).get("continue")):
                return found
            page["continue"] = further

    def dry_run(self, body: Object, *segments: str) -> Answer:
        """Return what the server would answer to the creation of *body*; nothing is created."""
        return self.request("POST", path(*segments), {"dryRun": "All"}, body)

    def text(self, *segments: str, **query: str) -> str:
        """Return what is at a path that holds no object, such as a log."""
        with self.answering(
            "GET", path(*segments), query=[*query.items()], seconds=_SECONDS
        ) as response:
            content = response.read()
        if response.status >= 400:
            raise refusal(response.status, content)
        return content.decode(errors="replace")

    def request(
        self,
        method: str,
        where: str,
        query: dict[str, str],
        body: Object | list[Object] | None = None,
    ) -> Answer:
        """Return the answer; Unreachable, Missing, Forbidden or Refused if there is no good one."""
        began = time.time()
        with self.answering(
            method, where, body, query=[*query.items()], seconds=_SECONDS
        ) as response:
            content = response.read()
        ours = datetime.fromtimestamp((began + time.time()) / 2, UTC)
        return _answer(response, content, ours)


def _in_pod() -> bool:
    default = Path(config.KUBE_CONFIG_DEFAULT_LOCATION.split(os.pathsep)[0]).expanduser()
    return "KUBERNETES_SERVICE_HOST" in os.environ and not default.exists()


def _answer(response: urllib3.BaseHTTPResponse, content: bytes, ours: datetime) -> Answer:
    if response.status >= 400:
        raise refusal(response.status, content)
    warnings = _WARNING.findall(", ".join(response.headers.getlist("Warning")))
    texts = tuple(re.sub(r"\\(.)", r"\1", text) for text in warnings)
    return Answer(_decoded(content), texts, date(response), ours)


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
