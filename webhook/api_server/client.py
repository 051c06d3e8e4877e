"""The API server for commands: objects, lists in pages, dry runs, logs.

As the user of a kubeconfig, or as the pod that the command runs in.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from socket import socket
from typing import Final
from urllib.parse import quote

import urllib3

from webhook import __version__
from webhook.api_server.answer import Answer
from webhook.api_server.connection import Connection, default_kubeconfig, runs_in_pod
from webhook.api_server.errors import Refused, Unreachable
from webhook.objects.json import Json

_SECONDS: Final = (5, 20)
"""To connect, and for an answer: one admission may call a webhook of 5 s more than once."""
_PAGE: Final = "500"
"""Objects in one answer, as kubectl requests them."""


def path(*segments: str) -> str:
    """Return the path of *segments*, each escaped."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


class Api:
    """One API server. Every method raises Unreachable, or Refused and its subclasses."""

    def __init__(self, kubeconfig: Path | None = None, context: str | None = None) -> None:
        """Without options and without a default kubeconfig, a pod uses its ServiceAccount.

        ValueError if there is no access to an API server.
        """
        in_pod = runs_in_pod() and not (kubeconfig or context or default_kubeconfig().exists())
        self._connection = (
            Connection.in_pod() if in_pod else Connection.by_kubeconfig(kubeconfig, context)
        )
        self._connection.introduce(f"modelcache/{__version__}")

    @property
    def address(self) -> str:
        """The URL of the API server."""
        return self._connection.address

    def get(self, *segments: str, **query: str) -> Json:
        """Return the object at a path."""
        return self.request("GET", path(*segments), query).json()

    def items(self, *segments: str, **query: str) -> list[Json]:
        """Return the objects of the collection at a path."""
        found: list[Json] = []
        page = {"limit": _PAGE}
        while True:
            part = self.get(*segments, **query, **page)
            found += part.get("items") or []
            if not (further := (part.get("metadata") or {}).get("continue")):
                return found
            page["continue"] = further

    def dry_run(self, body: Json, *segments: str) -> Answer:
        """Return the answer to the creation of *body* as a dry run."""
        return self.request("POST", path(*segments), {"dryRun": "All"}, body)

    def text(self, *segments: str, **query: str) -> str:
        """Return the text at a path that has no object, such as a log."""
        return self.request("GET", path(*segments), query).body.decode(errors="replace")

    def request(
        self,
        method: str,
        where: str,
        query: dict[str, str],
        body: Json | list[Json] | None = None,
    ) -> Answer:
        """Return an answer with a status below 400."""
        with _unknown_is_unreachable():
            return self._connection.request(
                method, where, body, query=[*query.items()], seconds=_SECONDS
            ).good()

    @contextlib.contextmanager
    def stream(
        self, path: str, query: Sequence[tuple[str, str]], accept: str, read_seconds: float
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Yield the answer to a GET, whatever its status; the block reads it."""
        seconds = (_SECONDS[0], read_seconds)
        with (
            _unknown_is_unreachable(),
            self._connection.answering(
                "GET", path, query=query, seconds=seconds, accept=accept
            ) as response,
        ):
            yield response

    @contextlib.contextmanager
    def forwarded(self, pod: Json, port: int) -> Iterator[socket]:
        """Yield a socket connected to *port* of *pod*."""
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        with (
            _unknown_is_unreachable(),
            self._connection.forwarded(namespace, name, port) as leading,
        ):
            yield leading


@contextlib.contextmanager
def _unknown_is_unreachable() -> Iterator[None]:
    """Raise Unreachable for status 401: other requests would get that answer too."""
    try:
        yield
    except Refused as refusal:
        if refusal.code == 401:
            raise Unreachable(f"it does not accept our credentials: {refusal}") from refusal
        raise
