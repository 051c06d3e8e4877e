"""What the cluster knows: which pods there are, and what a node says that it holds."""

from typing import Final, Protocol

from webhook.api_server.client import Api
from webhook.api_server.client import path as cluster_path
from webhook.api_server.errors import Missing
from webhook.models.layout import NODE_LABEL_VALUE
from webhook.objects.json import Json
from webhook.objects.json_patch import add, escaped, remove
from webhook.pruning.whereabouts import Whereabouts
from webhook.store.readers import View, views

PODS: Final = "list pods"
CLAIM: Final = "get persistentvolumeclaims"
NODE: Final = ("get nodes", "patch nodes")
"""What it needs to be allowed, in the words of `kubectl auth can-i`; the README's table is made of
it."""


class Cluster(Protocol):
    """Who reads models, and where they are looked for."""

    def confirm(self, where: Whereabouts) -> None:
        """ValueError if what is told of the store names what is not there."""

    def views(self) -> list[View]:
        """Return what pods see of stores."""

    def withdraw(self, label: str) -> bool:
        """Take a label from the node; return whether it bore it."""

    def give_back(self, label: str) -> None:
        """Let the node bear a label again."""


class Asked:
    """Asks an API server; every method raises RequestFailed."""

    def __init__(self, api: Api, node: str | None) -> None:
        self._api, self._node = api, node

    def confirm(self, where: Whereabouts) -> None:
        """ValueError if a claim or the node is not there: no pod would be found to read it."""
        wrong = []
        for claim in sorted(where.claims):
            namespace, _, name = claim.partition("/")
            try:
                self._api.get("api", "v1", "namespaces", namespace, "persistentvolumeclaims", name)
            except Missing:
                wrong.append(f"--claim: there is no claim {claim}")
        if self._node:
            try:
                self._api.get("api", "v1", "nodes", self._node)
            except Missing:
                wrong.append(f"--node: there is no node {self._node}")
        if wrong:
            raise ValueError("\n".join(wrong))

    def views(self) -> list[View]:
        """Return what the pods of all namespaces see of stores."""
        return views(self._api.items("api", "v1", "pods"))

    def withdraw(self, label: str) -> bool:
        """Take a label from the node; return whether it bore it."""
        if not self._node:
            return False
        labels = self._api.get("api", "v1", "nodes", self._node)["metadata"].get("labels") or {}
        if label not in labels:
            return False
        self._patch(remove(_path(label)))
        return True

    def give_back(self, label: str) -> None:
        """Let the node bear a label again."""
        self._patch(add(_path(label), NODE_LABEL_VALUE))

    def _patch(self, operation: Json) -> None:
        path = cluster_path("api", "v1", "nodes", self._node or "")
        self._api.request("PATCH", path, {}, [operation])


class NotAsked:
    """No cluster: whoever says so knows that no pod reads the store."""

    def confirm(self, where: Whereabouts) -> None:
        """Believe it."""

    def views(self) -> list[View]:
        """Return nothing."""
        return []

    def withdraw(self, label: str) -> bool:  # noqa: ARG002  # there is no node
        """Return that nothing bore it."""
        return False

    def give_back(self, label: str) -> None:
        """Do nothing."""


def _path(label: str) -> str:
    return f"/metadata/labels/{escaped(label)}"
