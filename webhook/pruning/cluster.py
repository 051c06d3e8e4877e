"""Ask the cluster which pods exist, and change the labels of a node."""

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
"""The permissions it needs, in the words of `kubectl auth can-i`; the manual's table is made from
these."""


class Cluster(Protocol):
    """What prune asks of a cluster."""

    def confirm(self, where: Whereabouts) -> None:
        """Raise ValueError if the claim or the node named by the options does not exist."""

    def views(self) -> list[View]:
        """Return what all pods see of stores."""

    def withdraw(self, label: str) -> bool:
        """Remove a label from the node; return whether it had the label."""

    def give_back(self, label: str) -> None:
        """Give the node its label back."""


class Asked:
    """Asks an API server; every method raises RequestFailed."""

    def __init__(self, api: Api, node: str | None) -> None:
        self._api, self._node = api, node

    def confirm(self, where: Whereabouts) -> None:
        """Raise ValueError if a claim or the node does not exist: no pod would be found there."""
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
        """Remove a label from the node; return whether it had the label."""
        if not self._node:
            return False
        labels = self._api.get("api", "v1", "nodes", self._node)["metadata"].get("labels") or {}
        if label not in labels:
            return False
        self._patch(remove(_path(label)))
        return True

    def give_back(self, label: str) -> None:
        """Give the node its label back."""
        self._patch(add(_path(label), NODE_LABEL_VALUE))

    def _patch(self, operation: Json) -> None:
        path = cluster_path("api", "v1", "nodes", self._node or "")
        self._api.request("PATCH", path, {}, [operation])


class NotAsked:
    """No cluster: the user says, with --no-cluster, that no pod reads the store."""

    def confirm(self, where: Whereabouts) -> None:
        """Do nothing."""

    def views(self) -> list[View]:
        """Return nothing."""
        return []

    def withdraw(self, label: str) -> bool:  # noqa: ARG002  # there is no node
        """Return False: there is no node."""
        return False

    def give_back(self, label: str) -> None:
        """Do nothing."""


def _path(label: str) -> str:
    return f"/metadata/labels/{escaped(label)}"
