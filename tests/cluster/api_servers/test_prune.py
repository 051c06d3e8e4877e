"""`modelcache prune` with a cluster: it leaves what injected pods of a real API server use."""

import datetime as dt
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Ran, modelcache
from tests.cluster.api_servers.test_rendered_objects import pod_of, rendered
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory
from tests.kubernetes.rights import entitled
from tests.kubernetes.server import Webhook
from tests.store.stores import aged, at, loaded, tree
from webhook.api_server import client
from webhook.api_server.client import Api
from webhook.models.layout import node_label
from webhook.pruning.cluster import CLAIM as RIGHT_OF_CLAIM
from webhook.pruning.cluster import NODE, PODS, Asked
from webhook.pruning.options import Given, Options
from webhook.pruning.outcome import Became
from webhook.pruning.prune import prune
from webhook.store.readers import View

FIRST, SECOND, THIRD = "1" * 40, "2" * 40, "3" * 40
FLAGS = ("--unused-for", "5d", "-o", "json")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two old revisions, and one that has been current for five days."""
    path = tmp_path / "store"
    for commit, days in ((FIRST, 60), (SECOND, 40), (THIRD, 30)):
        aged(loaded(path, commit=commit), days=days)
    at(path / "acme--tiny" / "main", 5)
    return path


@pytest.fixture
def where(cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory) -> str:
    """A namespace whose pods are injected."""
    return namespace(on=cluster)


@contextmanager
def noded(cluster: ControlPlane, name: str) -> Iterator[str]:
    obj: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    cluster.api.create(obj).expect(201)
    yield name
    cluster.api.delete(obj)


@pytest.fixture
def node(cluster: ControlPlane, where: str) -> Iterator[str]:
    with noded(cluster, f"node-{where}") as name:
        yield name


@pytest.fixture
def another(cluster: ControlPlane, where: str) -> Iterator[str]:
    with noded(cluster, f"another-{where}") as name:
        yield name


def claimed(plane: ControlPlane, where: str, name: str = "model-store") -> str:
    """Create a claim; return NAMESPACE/NAME."""
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    meta = {"name": name, "namespace": where}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
    plane.api.create(claim).expect(201, 409)
    return f"{where}/{name}"


def asking(where: str, node: str = "", **annotations: str) -> Object:
    """Return a pod that requests its model by annotations alone."""
    asked = {f"modelcache.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return bare(where, node=node, annotations=asked)


def bare(where: str, node: str = "", annotations: Object | None = None, **spec: Any) -> Object:
    """Return a pod that the webhook does not inject."""
    meta = {"generateName": "p-", "namespace": where, "annotations": annotations or {}}
    containers = [{"name": "c", "image": "vllm/vllm-openai:v0.11.0"}]
    placed = {"nodeName": node} if node else {}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": meta,
        "spec": {"containers": containers, **placed, **spec},
    }  # fmt: skip


def mounting(where: str, source: Object, node: str = "", **mount: str) -> Object:
    """Return a pod that mounts a volume by hand."""
    pod = bare(where, node=node, volumes=[{"name": "v", **source}])
    pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/v", **mount}]
    return pod


CLAIM = {"persistentVolumeClaim": {"claimName": "model-store", "readOnly": True}}
WHOLE = {"hostPath": {"path": "/var/lib/model-cache", "type": "Directory"}}


@contextmanager
def running(
    plane: ControlPlane, pod: Object, *, phase: str = "Running", days: float = 0
) -> Iterator[str]:
    """Keep a pod that started some days ago for the time of a `with` block; yield NAMESPACE/NAME."""
    made = plane.api.create(pod).expect(201).body
    meta = made["metadata"]
    then = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    status = {"phase": phase, "startTime": then.strftime("%Y-%m-%dT%H:%M:%SZ")}
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
    kind = "application/merge-patch+json"
    plane.api.request("PATCH", path, {"status": status}, media_type=kind).expect()
    yield f"{meta['namespace']}/{meta['name']}"
    plane.api.delete(made).expect()


def pruned(plane: ControlPlane, store: Path, *flags: str, kubeconfig: Path | None = None) -> Ran:
    env = {"KUBECONFIG": str(kubeconfig or plane.kubeconfig)}
    return modelcache("prune", store, *FLAGS, *flags, env=env)


def reasons(ran: Ran) -> dict[str, str]:
    """Return why models stay, by the first character of their commit."""
    assert ran.status == 0, ran
    models = json.loads(ran.out)["models"]
    return {one["commit"][0]: one["reason"] for one in models if one["verdict"] == "keep"}


@pytest.mark.parametrize(
    "annotations",
    [
        {"strategy": "pvc"},
        {"strategy": "pvc", "layout": "hf-cache"},
        {"strategy": "emptyDir", "size": "1Mi"},
        {"strategy": "pvc", "read_only": "false", "mount_path": "/m"},
    ],
    ids=lambda a: "-".join(a.values()),
)
def test_models_that_a_pod_reads_from_the_claim_stay(
    cluster: ControlPlane, where: str, store: Path, annotations: dict[str, str]
) -> None:
    pod = asking(where, model=f"acme/tiny@{FIRST}", **annotations)
    claim = f"--claim={claimed(cluster, where)}"
    with running(cluster, pod) as name:
        other = pruned(cluster, store, f"--claim={claimed(cluster, where, 'other')}", "--dry-run")
        ran = pruned(cluster, store, claim)
    assert reasons(other) == {"3": "main points to it"}
    assert reasons(ran) == {"1": f"pod {name} reads it", "3": "main points to it"}
    assert (store / "acme--tiny" / FIRST).is_dir()
    assert not (store / "acme--tiny" / SECOND).exists()
    assert reasons(pruned(cluster, store, claim)) == {"3": "main points to it"}, "the pod has gone"


@pytest.mark.parametrize(
    "annotations",
    [{"strategy": "hostPath"}, {"strategy": "hostPath", "layout": "hf-cache"},
     {"strategy": "emptyDir", "size": "1Mi", "load_from": "node"}],
    ids=lambda a: "-".join(a.values()),
)  # fmt: skip
def test_models_that_a_pod_reads_from_its_node_stay_there(
    cluster: ControlPlane,
    where: str,
    store: Path,
    node: str,
    another: str,
    annotations: dict[str, str],
) -> None:
    pod = asking(where, node, model=f"acme/tiny@{FIRST}", **annotations)
    of_node = ("--host-path=/var/lib/model-cache", "--dry-run")
    with running(cluster, pod) as name:
        here = pruned(cluster, store, *of_node, f"--node={node}")
        anywhere = pruned(cluster, store, *of_node)
        elsewhere = pruned(cluster, store, *of_node, f"--node={another}")
        renamed = pruned(cluster, store, "--host-path=/var/lib/other-name", "--dry-run")
        of_claim = pruned(cluster, store, f"--claim={claimed(cluster, where)}", "--dry-run")
    stays = {"1": f"pod {name} reads it", "3": "main points to it"}
    assert reasons(here) == reasons(anywhere) == reasons(renamed) == stays
    assert reasons(elsewhere) == reasons(of_claim) == {"3": "main points to it"}


def test_a_claim_or_node_that_does_not_exist_is_a_mistake(
    cluster: ControlPlane, where: str, store: Path
) -> None:
    before = tree(store)
    ran = pruned(cluster, store, f"--claim={where}/none", "--claim=no/where", "--node=nowhere")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        "modelcache: --claim: there is no claim no/where",
        f"modelcache: --claim: there is no claim {where}/none",
        "modelcache: --node: there is no node nowhere",
    ]
    assert tree(store) == before


def test_without_options_for_the_store_every_pod_that_may_read_it_counts(
    cluster: ControlPlane, where: str, store: Path, node: str
) -> None:
    by_claim = asking(where, model=f"acme/tiny@{FIRST}", strategy="pvc", claim="somewhere")
    by_node = mounting(where, {"hostPath": {"path": f"/mnt/models/acme--tiny/{SECOND}"}}, node)
    foreign = mounting(where, CLAIM, subPath="data")
    with (
        running(cluster, by_claim) as one,
        running(cluster, by_node) as two,
        running(cluster, foreign),
    ):
        ran = pruned(cluster, store, "--dry-run")
    assert reasons(ran) == {
        "1": f"pod {one} reads it", "2": f"pod {two} reads it", "3": "main points to it",
    }  # fmt: skip


def test_a_pod_keeps_the_commit_that_its_revision_named_at_its_start(
    cluster: ControlPlane, where: str, store: Path
) -> None:
    aged(loaded(store, commit="4" * 40), days=4)
    aged(loaded(store, commit=THIRD), days=30)
    at(store / "acme--tiny" / "main", 5)
    pod = asking(where, model="acme/tiny", strategy="pvc")
    flags = (
        f"--claim={claimed(cluster, where)}",
        "--dry-run",
        "--include-current",
        "--unused-for=1d",
    )
    with running(cluster, pod, days=10) as name:
        before = reasons(pruned(cluster, store, *flags))
    with running(cluster, pod, days=2) as later:
        after = reasons(pruned(cluster, store, *flags))
    earlier = f"pod {name} reads main, which may have pointed to it when the pod started"
    assert before == {"1": earlier, "2": earlier, "3": f"pod {name} reads main"}
    assert after == {"3": f"pod {later} reads main"}


def test_a_pod_whose_revision_is_no_longer_in_the_store_may_read_any_revision(
    cluster: ControlPlane, where: str, store: Path
) -> None:
    pod = asking(where, model="acme/tiny@v1", strategy="pvc")
    with running(cluster, pod) as name:
        found = reasons(pruned(cluster, store, f"--claim={claimed(cluster, where)}", "--dry-run"))
    unknown = f"pod {name} reads v1, and nobody knows which commit that was"
    assert found == {"1": unknown, "2": unknown, "3": unknown}


def test_a_pod_that_mounts_the_whole_store_counts_as_reading_every_model(
    cluster: ControlPlane, where: str, store: Path, node: str
) -> None:
    claim = f"--claim={claimed(cluster, where)}"
    with running(cluster, mounting(where, CLAIM)) as name:
        unknown = reasons(pruned(cluster, store, "--dry-run"))
        known = reasons(pruned(cluster, store, claim, "--dry-run"))
        other = reasons(
            pruned(cluster, store, f"--claim={claimed(cluster, where, 'other')}", "--dry-run")
        )
        of_node = reasons(pruned(cluster, store, "--host-path=/cache", "--dry-run"))
    whole = f"pod {name} mounts all of claim {where}/model-store"
    assert set(known.values()) == {whole}
    assert all(
        reason.startswith(f"{whole}; if that is another store") for reason in unknown.values()
    )
    assert set(unknown) == set(known) == {"1", "2", "3"}
    assert other == of_node == {"3": "main points to it"}
    with running(cluster, mounting(where, WHOLE, node)) as name:
        found = reasons(
            pruned(cluster, store, f"--node={node}", "--host-path=/var/lib/model-cache")
        )
    assert set(found.values()) == {f"pod {name} mounts all of /var/lib/model-cache"}
    expanded = mounting(where, CLAIM, subPathExpr="$(POD_NAME)")
    expanded["spec"]["containers"][0]["env"] = [
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    ]
    with running(cluster, expanded):
        assert len(reasons(pruned(cluster, store, claim))) == 3
    with running(cluster, mounting(where, CLAIM, subPath="acme--tiny")) as name:
        found = reasons(pruned(cluster, store, claim))
    assert set(found.values()) == {f"pod {name} mounts all its revisions"}


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_reads_nothing(
    cluster: ControlPlane, where: str, store: Path, phase: str
) -> None:
    with running(cluster, mounting(where, CLAIM), phase=phase):
        found = reasons(pruned(cluster, store, f"--claim={claimed(cluster, where)}"))
    assert found == {"3": "main points to it"}


@pytest.mark.parametrize(
    ("kind", "flags"), [("job", ()), ("daemonset", ()), ("daemonset", ("--claim=model-store",))]
)
def test_a_loader_that_runs_needs_its_model_and_no_other(
    cluster: ControlPlane, where: str, store: Path, kind: str, flags: tuple[str, ...]
) -> None:
    (obj,) = rendered(where, f"acme/tiny@{FIRST}", "--kind", kind, *flags)
    obj["spec"]["template"]["spec"].pop("restartPolicy", None)
    pod = pod_of(obj)
    with running(cluster, pod) as name:
        found = reasons(pruned(cluster, store, "--dry-run"))
    assert found == {"1": f"pod {name} reads it", "3": "main points to it"}


def test_the_pod_in_which_it_runs_reads_nothing(
    cluster: ControlPlane, where: str, store: Path
) -> None:
    pod = mounting(where, CLAIM)
    pod["spec"]["containers"][0]["command"] = ["modelcache", "prune", "/v"]
    with running(cluster, pod):
        assert reasons(pruned(cluster, store, "--dry-run")) == {"3": "main points to it"}


def label_node(plane: ControlPlane, node: str, *labels: str) -> None:
    obj = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}}
    given = dict.fromkeys(labels, "ready")
    plane.api.merge(obj, {"metadata": {"labels": given}}).expect()


def labels_of(plane: ControlPlane, node: str) -> set[str]:
    labels = plane.api.get("v1", "Node", node).expect().body["metadata"].get("labels") or {}
    return {label for label in labels if label.startswith("modelcache.io/")}


LABELS = [node_label("acme/tiny", commit) for commit in (FIRST, SECOND, THIRD)]


def test_the_rights_that_the_manual_lists_are_enough(
    cluster: ControlPlane, where: str, store: Path, node: str
) -> None:
    label_node(cluster, node, *LABELS)
    kubeconfig = entitled(cluster, f"pruner-{where}", PODS, *NODE)
    of_node = (f"--node={node}", "--host-path=/var/lib/model-cache")
    of_claim = f"--claim={claimed(cluster, where)}"
    may_not = pruned(cluster, store, of_claim, kubeconfig=kubeconfig)
    assert (may_not.status, may_not.out) == (2, "")
    assert 'cannot get resource "persistentvolumeclaims"' in may_not.err
    by_claim = entitled(cluster, f"claims-{where}", PODS, RIGHT_OF_CLAIM)
    dry = pruned(cluster, store, of_claim, "--dry-run", kubeconfig=by_claim)
    assert reasons(dry) == {"3": "main points to it"}
    dry = pruned(cluster, store, *of_node, "--dry-run", kubeconfig=kubeconfig)
    assert reasons(dry) == {"3": "main points to it"}
    assert labels_of(cluster, node) == set(LABELS), "a dry run changes no node"
    ran = pruned(cluster, store, *of_node, kubeconfig=kubeconfig)
    assert reasons(ran) == {"3": "main points to it"}
    assert labels_of(cluster, node) == {LABELS[2]}


def test_models_whose_label_can_not_be_removed_stay(
    cluster: ControlPlane, where: str, store: Path, node: str
) -> None:
    label_node(cluster, node, *LABELS)
    kubeconfig = entitled(cluster, f"reader-{where}", PODS, NODE[0])
    before = tree(store)
    ran = pruned(cluster, store, f"--node={node}", kubeconfig=kubeconfig)
    assert ran.status == 1
    listed = {one["commit"][0]: one for one in json.loads(ran.out)["models"]}
    assert [listed[c]["verdict"] for c in "123"] == ["failed", "failed", "keep"]
    assert "label could not be removed" in listed["1"]["reason"]
    assert 'cannot patch resource "nodes"' in listed["1"]["reason"]
    assert tree(store) == before
    assert labels_of(cluster, node) == set(LABELS)


def test_a_node_gets_its_label_back_if_the_model_could_not_be_removed(
    cluster: ControlPlane, where: str, store: Path, node: str
) -> None:
    label_node(cluster, node, *LABELS)
    subprocess.run(["mount", "--bind", store, store], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", store], check=True)
        ran = pruned(cluster, store, f"--node={node}")
    finally:
        subprocess.run(["umount", store], check=True)
    assert ran.status == 1
    assert labels_of(cluster, node) == set(LABELS)


def test_the_node_is_named_by_the_environment(
    cluster: ControlPlane, where: str, store: Path, node: str
) -> None:
    label_node(cluster, node, *LABELS)
    env = {"KUBECONFIG": str(cluster.kubeconfig), "NODE_NAME": node}
    assert modelcache("prune", store, *FLAGS, env=env).status == 0
    assert labels_of(cluster, node) == {LABELS[2]}


class Late(Asked):
    """A cluster in which a pod comes to the node while the node is still labelled with its model."""

    def __init__(self, plane: ControlPlane, node: str, pod: Object) -> None:
        super().__init__(Api(plane.kubeconfig), node)
        self.plane, self.pod, self.asked = plane, pod, 0

    def views(self) -> list[View]:
        self.asked += 1
        found = super().views()
        if self.asked == 1:
            self.plane.api.create(self.pod).expect(201)
        return found


def test_a_pod_scheduled_while_the_label_is_removed_keeps_its_model(
    cluster: ControlPlane, where: str, store: Path, node: str
) -> None:
    label_node(cluster, node, *LABELS)
    pod = asking(where, node, model=f"acme/tiny@{FIRST}", strategy="hostPath")
    given = Given(store=store, unused_for="5d", host_path="/var/lib/model-cache", node=node)
    found = prune(Options.of(given), Late(cluster, node, pod), dry_run=False)
    assert [row.became for row in found.rows] == [Became.STAYS, Became.GONE, Became.STAYS]
    assert found.rows[0].reason.endswith("reads it")
    assert labels_of(cluster, node) == {LABELS[0], LABELS[2]}
    for left in cluster.api.list("v1", "Pod", where):
        cluster.api.delete({"apiVersion": "v1", "kind": "Pod", **left}).expect()


def test_a_user_who_may_not_list_pods_removes_nothing(
    cluster: ControlPlane, where: str, store: Path, node: str
) -> None:
    before = tree(store)
    stranger = entitled(cluster, f"stranger-{where}", NODE[0])
    for kubeconfig, said in (
        (stranger, 'cannot list resource "pods"'),
        (unreachable(store), "refused"),
    ):
        ran = pruned(cluster, store, kubeconfig=kubeconfig)
        assert (ran.status, ran.out) == (2, "")
        assert "so nothing was changed" in ran.err
        assert said in ran.err
        assert "give --no-cluster if no pod reads this store" in ran.err
    assert tree(store) == before


def unreachable(store: Path) -> Path:
    path = store.parent / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context],
        "users": [{"name": "u", "user": {"token": "t"}}], "current-context": "c",
    }))  # fmt: skip
    return path


def test_lists_are_read_to_their_end(
    cluster: ControlPlane, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(cluster.kubeconfig)
    names = [one["metadata"]["name"] for one in api.items("api", "v1", "namespaces")]
    monkeypatch.setattr(client, "_PAGE", "2")
    assert [one["metadata"]["name"] for one in api.items("api", "v1", "namespaces")] == names
    assert len(names) > 4
