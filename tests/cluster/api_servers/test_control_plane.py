"""What the shared API servers are, and how the harness acts on them."""

import json
import os

from tests.kubernetes import binaries
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.processes import Run, runs
from tests.kubernetes.registration import configured, mutating, webhook
from tests.kubernetes.scripted_hook import ScriptedHook, add, patch

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"generateName": "p-"},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


def test_the_current_cluster_calls_itself_what_it_was_built_from(cluster: ControlPlane) -> None:
    assert cluster.version() == binaries.KUBERNETES


def test_the_old_cluster_calls_itself_what_it_was_built_from(old_cluster: ControlPlane) -> None:
    assert old_cluster.version() == binaries.OLD_KUBERNETES


def test_kubectl_acts_as_the_administrator_or_as_somebody(cluster: ControlPlane) -> None:
    mine = json.loads(cluster.kubectl("auth", "whoami", "-o", "json").stdout)
    assert mine["status"]["userInfo"]["username"] == "admin"
    theirs = cluster.kubectl("create", "-f", "-", input=json.dumps(POD), user="alice")
    assert 'pods is forbidden: User "alice" cannot create' in theirs.stderr


def test_a_pod_gets_the_token_volume_of_its_service_account(cluster: ControlPlane) -> None:
    pod = cluster.api.create(POD, dry_run=True).expect(201).body
    assert pod["spec"]["volumes"][0]["name"].startswith("kube-api-access-")


def test_a_configuration_acts_from_the_first_request_on(
    cluster: ControlPlane, hook: ScriptedHook
) -> None:
    hook.answer = lambda _: patch(add("/metadata/labels", {"seen": "yes"}))
    for _ in range(5):
        with configured(cluster, [mutating("probe", webhook("a.b.c", hook.client_config()))]):
            assert cluster.api.create(POD, dry_run=True).body["metadata"]["labels"] == {
                "seen": "yes"
            }
        assert "labels" not in cluster.api.create(POD, dry_run=True).body["metadata"]


def test_the_runs_of_the_living_are_left_alone(cluster: ControlPlane) -> None:
    before = cluster.run.folder
    Run().stop()
    assert before.is_dir()
    assert all(process.popen.poll() is None for process in cluster.run.processes[:3])
    assert before.parent == runs()
    assert before.name.startswith(str(os.getpid()))
