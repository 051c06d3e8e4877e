"""Tools that apply a manifest again and again find no difference, and cause no rollout.

The manifest annotates only the Deployment, as people write it. The annotations that are copied into
its template are in no manifest. A tool must not take them for a difference to fix, and a tool that
removes them anyway must not cause one rollout after another.
"""

import json
from typing import Final

import pytest

from tests.cluster.api_servers.applying import DIFFS, TOOLS, asked_of_pods, kubectl, stored
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.inference_pods import PREFIX, deployment
from tests.kubernetes.registration import NamespaceFactory
from tests.kubernetes.server import Webhook

ASKED: Final = {"model": "phi-2", "strategy": "pvc", "shm-size": "8Mi"}


@pytest.fixture
def written(cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory) -> Object:
    """A manifest that was applied once, by kubectl."""
    manifest = deployment(namespace(), ASKED, name="repeated", replicas=0)
    kubectl(cluster, ("apply", "--server-side"), manifest)
    return manifest


def replica_sets(plane: ControlPlane, manifest: Object) -> int:
    return len(plane.api.list("apps/v1", "ReplicaSet", manifest["metadata"]["namespace"]))


def test_applying_with_one_tool_after_another_causes_no_rollout(
    cluster: ControlPlane, written: Object
) -> None:
    first = stored(cluster, written)
    assert asked_of_pods(first) == {PREFIX + key: value for key, value in ASKED.items()}
    for words in [*TOOLS.values(), *TOOLS.values()]:
        kubectl(cluster, words, written)
        now = stored(cluster, written)
        assert now["spec"] == first["spec"], words
        assert replica_sets(cluster, written) == 1, words


def test_no_tool_sees_a_difference(cluster: ControlPlane, written: Object) -> None:
    for words in DIFFS:
        kubectl(
            cluster, words, written
        )  # the exit status of kubectl diff says whether there is a difference


def test_no_manager_owns_what_was_copied(cluster: ControlPlane, written: Object) -> None:
    for words in (TOOLS["argocd"], TOOLS["flux"]):
        kubectl(cluster, words, written)
    fields = [entry["fieldsV1"] for entry in stored(cluster, written)["metadata"]["managedFields"]]
    # kubectl, argocd and flux own what they wrote; the controller owns the status.
    assert [PREFIX in json.dumps(owned.get("f:metadata", {})) for owned in fields].count(True) == 3
    assert not [owned for owned in fields if PREFIX in json.dumps(owned.get("f:spec", {}))]


def test_annotations_that_a_tool_removes_from_the_template_are_added_in_the_same_request(
    cluster: ControlPlane, written: Object
) -> None:
    first = stored(cluster, written)
    gone = dict.fromkeys(asked_of_pods(first))
    for _ in range(3):
        patch = {"spec": {"template": {"metadata": {"annotations": gone}}}}
        answer = cluster.api.merge(written, patch).expect(200)
        assert answer.body["metadata"]["generation"] == first["metadata"]["generation"]
    assert stored(cluster, written)["spec"] == first["spec"]
    assert replica_sets(cluster, written) == 1


@pytest.mark.parametrize("tool", TOOLS)
def test_another_model_causes_one_rollout(
    cluster: ControlPlane, written: Object, tool: str
) -> None:
    if tool == "kubectl apply":
        kubectl(cluster, TOOLS[tool], written)
    written["metadata"]["annotations"][f"{PREFIX}model"] = "mistral-7b-instruct"
    for _ in range(2):
        kubectl(cluster, TOOLS[tool], written)
        now = stored(cluster, written)
        assert asked_of_pods(now)[f"{PREFIX}model"] == "mistral-7b-instruct"
        assert replica_sets(cluster, written) == 2
