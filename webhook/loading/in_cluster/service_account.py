"""The API server for a loader: as the pod's ServiceAccount, with errors that say when to retry."""

from http import HTTPStatus
from typing import Any, Final

from webhook.api_server.connection import Connection
from webhook.api_server.errors import Unreachable
from webhook.loading.origins.origin import Interrupted, Unavailable

_SECONDS: Final = (3.0, 10.0)
"""To connect, and for each read."""


class Overtaken(Interrupted):
    """Somebody else wrote the object since it was read."""


class PodApi:
    """The API server, for one option of a loader."""

    def __init__(self, option: str, connection: Connection | None = None) -> None:
        """*option*: such as label-node; ValueError outside of a pod if there is no *connection*."""
        try:
            self._connection = connection or Connection.in_pod()
        except ValueError as error:
            raise ValueError(f"--{option}: needs the ServiceAccount of a pod: {error}") from error

    def request(
        self,
        method: str,
        where: str,
        body: Any,  # noqa: ANN401  # JSON
        *,
        doing: str,
        permitted_by: str,
    ) -> bytes:
        """Return the body of the answer.

        Interrupted, such as Overtaken, if it may work later; Unavailable if it will not, with the
        hint that `render --kind` *permitted_by* prints the rights.
        """
        try:
            answer = self._connection.request(method, where, body, seconds=_SECONDS)
        except Unreachable as error:
            raise Interrupted(f"{doing}: {error}") from error
        if answer.code < HTTPStatus.MULTIPLE_CHOICES:
            return answer.body
        why = f"{doing}: {answer.why()}"
        if answer.code == HTTPStatus.CONFLICT:
            raise Overtaken(why)
        busy = answer.code == HTTPStatus.TOO_MANY_REQUESTS
        if busy or answer.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Interrupted(why)
        raise Unavailable(f"{why}: modelcache render --kind {permitted_by} prints what permits it")
