"""Label a node while its cache has a model, so that pods prefer it."""

from collections.abc import Callable
from typing import Any

from webhook.loading.in_cluster.service_account import PodApi
from webhook.loading.patience import Patience
from webhook.models.layout import NODE_LABEL_VALUE
from webhook.objects.json_patch import add, escaped, remove
from webhook.values.readers import object_name


class NodeLabels:
    """The labels of one node; the pod's ServiceAccount may patch nodes, and need not read them."""

    def __init__(self, name: str, deadline: float, say: Callable[[str], None]) -> None:
        """*deadline* is of time.monotonic(); ValueError outside of a pod, or for a bad *name*."""
        self._api = PodApi("label-node")
        self._name = object_name(name)
        self._deadline, self._say = deadline, say

    def lacks(self, label: str) -> None:
        """Remove *label* if the node has it; Unavailable if that fails."""
        path = _path(label)
        # Added first: removing a label that is not there is an error (RFC 6902 section 4.2).
        self._patch([add(path, ""), remove(path)], f"remove label {label}")

    def holds(self, label: str) -> None:
        """Set *label*; Unavailable if that fails."""
        self._patch([add(_path(label), NODE_LABEL_VALUE)], f"set label {label}")

    def _patch(self, operations: list[dict[str, Any]], doing: str) -> None:
        Patience(self._deadline, self._say, asked=f"node {self._name}: can't {doing}").call(
            lambda: self._api.request(
                "PATCH",
                f"/api/v1/nodes/{self._name}",
                operations,
                doing=f"node {self._name}: can't {doing}",
                permitted_by="node-labels",
            )
        )


def _path(label: str) -> str:
    """Return the JSON pointer of a label."""
    return f"/metadata/labels/{escaped(label)}"
