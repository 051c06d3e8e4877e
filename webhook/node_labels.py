"""Labels a node while its cache holds a model, so that pods are drawn to it."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from webhook.kubernetes_api import KubernetesApi, Unreachable, access
from webhook.loading.attempts import Patience
from webhook.loading.origin import Interrupted, Unavailable
from webhook.pointer import add, escaped, remove
from webhook.store import NODE_LABEL_VALUE
from webhook.values import object_name

_SECONDS: Final = (3.0, 10.0)
_BUSY: Final = (409, 429)


class NodeLabels:
    """The labels of one node; its pod's ServiceAccount may patch nodes, and need not read them."""

    def __init__(self, name: str, deadline: float, say: Callable[[str], None]) -> None:
        """*deadline* is of time.monotonic(); ValueError outside of a pod, and if *name* is none."""
        try:
            self._api = KubernetesApi(access(in_pod=True))
        except ValueError as error:
            raise ValueError(f"--label-node: needs the ServiceAccount of a pod: {error}") from error
        self._name = object_name(name)
        self._deadline, self._say = deadline, say

    def lacks(self, label: str) -> None:
        """Take *label* away, if it is there; Unavailable if that can't be done."""
        path = _path(label)
        # To remove what is not there would be an error (RFC 6902 section 4.2).
        self._patch(
            [add(path, ""), remove(path)],
            f"take label {label} away",
        )

    def holds(self, label: str) -> None:
        """Set *label*; Unavailable if that can't be done."""
        self._patch([add(_path(label), NODE_LABEL_VALUE)], f"set label {label}")

    def _patch(self, operations: list[dict[str, Any]], doing: str) -> None:
        Patience(self._deadline, self._say).call(lambda: self._once(operations, doing))

    def _once(self, operations: list[dict[str, Any]], doing: str) -> None:
        where = f"/api/v1/nodes/{self._name}"
        told = f"node {self._name}: can't {doing}"
        try:
            with self._api.answering("PATCH", where, operations, seconds=_SECONDS) as response:
                status, body = response.status, response.read()
        except Unreachable as error:
            raise Interrupted(f"{told}: {error}") from error
        if status < 300:  # RFC 9110
            return
        why = f"{told}: {status} {_message(body)}"
        if status in _BUSY or status >= 500:
            raise Interrupted(why)
        raise Unavailable(f"{why}: modelcache render --kind node-labels prints what permits it")


class _Status(msgspec.Struct):
    message: str = ""


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Status).message[:300]
    except msgspec.MsgspecError:
        return ""


def _path(label: str) -> str:
    """Return where a label is in a node."""
    return f"/metadata/labels/{escaped(label)}"
