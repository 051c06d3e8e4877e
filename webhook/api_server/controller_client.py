"""What the controller asks of the API server: one answer, or a watch."""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from webhook.api_server.connection import KubernetesApi, Unreachable, access, date, message

CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 10
WATCH_SECONDS: Final = 60
"""The API server ends a watch after that, so that a dead connection is not believed for long."""


class Answer(msgspec.Struct, frozen=True):
    """Status code and body."""

    code: int
    body: bytes

    @property
    def message(self) -> str:
        """What the API server says of a refusal."""
        return message(self.body)

    def why(self) -> str:
        """Return code and message, one line."""
        return f"{self.code} {self.message[:300]}".replace("\n", " ").strip()


class ApiServer:
    """One API server, as the pod's service account or the kubeconfig of its user."""

    def __init__(self, heard: Callable[[datetime | None], None]) -> None:
        try:
            configuration = access(in_pod="KUBERNETES_SERVICE_HOST" in os.environ)
        except ValueError as error:
            raise Unreachable(f"no access to an API server: {error}") from error
        self._api = KubernetesApi(configuration)
        self._heard = heard

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401  # JSON
        *,
        query: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Return the answer, whatever its code; Unreachable if there is none."""
        seconds = (CONNECT_SECONDS, READ_SECONDS)
        with self._api.answering(method, path, body, query=query, seconds=seconds) as response:
            self._heard(date(response))
            return Answer(response.status, response.read())

    def watch(self, path: str, name: str) -> Iterator[None]:
        """Yield once it is watched, and at each change of the object *name*, until that ends."""
        longest = str(random.randint(WATCH_SECONDS // 2, WATCH_SECONDS))  # noqa: S311  # spread
        query = [
            ("watch", "true"),
            ("fieldSelector", f"metadata.name={name}"),
            ("timeoutSeconds", longest),
        ]
        seconds = (CONNECT_SECONDS, WATCH_SECONDS + READ_SECONDS)
        with self._api.answering("GET", path, query=query, seconds=seconds) as response:
            self._heard(date(response))
            if response.status != 200:
                raise Unreachable(Answer(response.status, response.read()).why())
            yield
            for _ in response.stream(2**16):
                yield
