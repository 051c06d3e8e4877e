"""The API server as our pod's ServiceAccount: a request, and whether it may be tried again."""

from http import HTTPStatus
from typing import Any, Final

from kubernetes.client import Configuration

from webhook.api_server.connection import KubernetesApi, Unreachable, access, message
from webhook.loading.origins.origin import Interrupted, Unavailable

_SECONDS: Final = (3.0, 10.0)
_SHOWN: Final = 300
"""Characters of the API server's message."""


class Conflict(Interrupted):
    """Somebody has written the object since it was read."""


class PodApi:
    """The API server, for an option of a loader that `render` prints the rights for."""

    def __init__(self, option: str, configuration: Configuration | None = None) -> None:
        """*option*: such as label-node; *configuration*: None in a pod, else ValueError."""
        try:
            self._api = KubernetesApi(configuration or access(in_pod=True))
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
        """Return the body of the answer; Interrupted if it may be better later, or Conflict.

        Unavailable if it will not; *permitted_by*: the kind that `render` prints.
        """
        try:
            with self._api.answering(method, where, body, seconds=_SECONDS) as response:
                status, content = response.status, response.read()
        except Unreachable as error:
            raise Interrupted(f"{doing}: {error}") from error
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return content
        why = f"{doing}: {status} {message(content)[:_SHOWN]}"
        if status == HTTPStatus.CONFLICT:
            raise Conflict(why)
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Interrupted(why)
        raise Unavailable(f"{why}: modelcache render --kind {permitted_by} prints what permits it")
