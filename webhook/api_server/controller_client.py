"""The API server for the controller: single answers, and watches."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import urllib3

from webhook.api_server.answer import Answer, date
from webhook.api_server.connection import Connection, runs_in_pod
from webhook.api_server.errors import Unreachable
from webhook.objects.json import Json
from webhook.objects.json_patch import test

CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 10
WATCH_SECONDS: Final = 60
"""A watch lasts no longer, so that a dead connection is noticed."""


class ObjectMeta(msgspec.Struct):
    """Name, labels, and the version that a write names."""

    name: str = ""
    resourceVersion: str = ""  # noqa: N815  # the API's name
    labels: dict[str, str] = {}


def unchanged(version: str) -> Json:
    """Return an operation that lets a patch fail if the object is no longer of *version*."""
    return test("/metadata/resourceVersion", version)


class ControllerApi:
    """One API server, as the pod's ServiceAccount; outside of a pod, by the default kubeconfig."""

    def __init__(self, heard: Callable[[datetime | None], None]) -> None:
        """*heard* is called with the API server's time in each answer.

        Unreachable if there is no access to an API server.
        """
        try:
            self._connection = Connection.in_pod() if runs_in_pod() else Connection.by_kubeconfig()
        except ValueError as error:
            raise Unreachable(f"no access to an API server: {error}") from error
        self._heard = heard

    @contextlib.contextmanager
    def stream(
        self, path: str, query: Sequence[tuple[str, str]], accept: str, read_seconds: float
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Yield the answer to a GET, whatever its status; the block reads it.

        Unreachable if there is none, or if no byte comes for *read_seconds*.
        """
        seconds = (CONNECT_SECONDS, read_seconds)
        with self._connection.answering(
            "GET", path, query=query, seconds=seconds, accept=accept
        ) as response:
            self._heard(date(response))
            yield response

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401  # JSON
        *,
        query: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Return the answer, whatever its code; Unreachable if there is none."""
        seconds, began = (CONNECT_SECONDS, READ_SECONDS), time.time()
        with self._answering(method, path, body, query, seconds) as response:
            return Answer.of(response, began)

    def watch(self, path: str, name: str) -> Iterator[None]:
        """Yield when the watch has begun, and at each change of the object *name*, until it ends.

        Unreachable, Refused.
        """
        longest = str(random.randint(WATCH_SECONDS // 2, WATCH_SECONDS))  # noqa: S311  # spread
        query = [
            ("watch", "true"),
            ("fieldSelector", f"metadata.name={name}"),
            ("timeoutSeconds", longest),
        ]
        seconds, began = (CONNECT_SECONDS, WATCH_SECONDS + READ_SECONDS), time.time()
        with self._answering("GET", path, None, query, seconds) as response:
            if response.status != 200:
                raise Answer.of(response, began).refusal()
            yield
            for _ in response.stream(2**16):
                yield

    @contextlib.contextmanager
    def _answering(
        self,
        method: str,
        path: str,
        body: Any,  # noqa: ANN401  # JSON
        query: Sequence[tuple[str, str]],
        seconds: tuple[float, float],
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        with self._connection.answering(
            method, path, body, query=query, seconds=seconds
        ) as response:
            self._heard(date(response))  # before the body, which may take long
            yield response
