"""A loader may only write our labels on its own node, as `render --kind node-labels` sets up."""

import contextlib
import os
from collections.abc import Iterator

import pytest
import yaml

from tests.cli.command import modelcache
from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, wait_until
from webhook.models.layout import node_label

NODE = f"node-{os.getpid()}"
OURS = node_label("acme/m", "0" * 40)
FOREIGN: dict[str, Object] = {
    "another label": {"metadata": {"labels": {"example.org/gpu": "none"}}},
    "a label of somebody": {"metadata": {"labels": {"example.org/zone": "b"}}},
    "a label taken away": {"metadata": {"labels": {"example.org/zone": None}}},
    "a label like ours": {"metadata": {"labels": {"modelcache.io.example.org/x": "ready"}}},
    "annotations": {"metadata": {"annotations": {"a": "b"}}},
    "finalizers": {"metadata": {"finalizers": ["example.org/never"]}},
    "owners": {
        "metadata": {
            "ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": "x", "uid": "y"}]
        }
    },
    "cordon": {"spec": {"unschedulable": True}},
    "taints": {"spec": {"taints": [{"key": "a", "effect": "NoExecute"}]}},
}


class Permitted:
    """A node, and the loaders of a namespace, which the rendered objects allow to label it."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane = plane
        self.user = f"system:serviceaccount:{namespace}:modelcache-node-cache"

    def write(self, change: Object, on: str = NODE, user: str | None = None) -> Answer:
        """Let a loader on node *on* change NODE with a JSON merge patch, by dry run."""
        extra = {"authentication.kubernetes.io/node-name": on} if on else {}
        return self.plane.api.request(
            "PATCH", f"/api/v1/nodes/{NODE}", change, dry_run=True, user=user or self.user,
            extra=extra, media_type="application/merge-patch+json",
        )  # fmt: skip


@pytest.fixture(scope="module")
def node(cluster: ControlPlane) -> Iterator[None]:
    labels = {"example.org/zone": "a"}
    made = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": labels}}
    cluster.api.create(made).expect(201)
    yield
    cluster.api.delete(made).expect(200)


@pytest.fixture
def permitted(
    cluster: ControlPlane, node: None, namespace: NamespaceFactory
) -> Iterator[Permitted]:
    where = namespace()
    ran = modelcache("render", "acme/m", "--kind=node-labels", f"--namespace={where}")
    assert not ran.status, ran.err
    with contextlib.ExitStack() as stack:
        for obj in yaml.safe_load_all(ran.out):
            cluster.api.create(obj, fieldValidation="Strict").expect(201)
            stack.callback(cluster.api.delete, obj)
        found = Permitted(cluster, where)
        cordon = FOREIGN["cordon"]
        # Before the policy is in force, RBAC alone permits all of it.
        wait_until(lambda: found.write(cordon).code == 422, "the policy is known")
        yield found


def test_a_loader_sets_and_removes_our_labels_of_its_own_node(
    permitted: Permitted,
) -> None:
    for value in ("ready", None):
        permitted.write({"metadata": {"labels": {OURS: value}}}).expect(200)


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_a_loader_changes_nothing_else_of_it(permitted: Permitted, change: Object) -> None:
    answer = permitted.write(change)
    assert answer.code == 422
    assert "a loader " in answer.message


@pytest.mark.parametrize("on", ["another", ""])
def test_a_loader_labels_no_node_but_its_own(permitted: Permitted, on: str) -> None:
    answer = permitted.write({"metadata": {"labels": {OURS: "ready"}}}, on)
    assert answer.code == 422
    assert "a loader may label only the node that it runs on" in answer.message


def test_other_users_keep_their_rights(permitted: Permitted) -> None:
    change = FOREIGN["cordon"]
    assert permitted.write(change, user="system:serviceaccount:default:default").code == 403
    path = f"/api/v1/nodes/{NODE}"
    permitted.plane.api.request(
        "PATCH", path, change, dry_run=True, media_type="application/merge-patch+json"
    ).expect(200)
