"""The objects of `render` run on a node: a Job fills the claim, and a DaemonSet the node from it."""

import dataclasses
import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.cli.command import modelcache
from tests.hub.running import Fault, Hub, hub_server
from tests.images.product import MODELCACHE
from tests.kubernetes.api import Object, url_of
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.ends import ends
from tests.kubernetes.inference_pods import files_of, pod_with
from tests.kubernetes.local_volume import bind
from tests.kubernetes.registration import create_namespace, wait_until
from tests.store.models import sharded
from webhook.objects.restricted import USER

RESTRICTED: Final = f"render-{os.getpid()}"
PRIVILEGED: Final = f"render-node-{os.getpid()}"
CACHE: Final = f"/var/lib/{PRIVILEGED}/cache"
ENFORCE: Final = "pod-security.kubernetes.io/enforce"
TOKEN: Final = "token-of-the-hub"
MODEL: Final = "acme/tiny"


@dataclasses.dataclass(frozen=True)
class Filling:
    """A Hub that requires a token, and a claim to be filled."""

    cluster: Cluster
    hub: Hub
    store: Path
    model: Path
    commit: str

    def render(self, *arguments: str) -> Object:
        """Apply the one object that `render` prints; return it as stored."""
        ran = modelcache(
            "render", MODEL, f"--image={MODELCACHE.reference}", f"--env=HF_ENDPOINT={self.hub.url}",
            "--deadline=2m", *arguments,
        )  # fmt: skip
        assert not ran.status, ran.err
        (found,) = yaml.safe_load_all(ran.out)
        return self.cluster.api.apply(found).expect().body

    def job(self, namespace: str) -> Object:
        """Apply the Job that fills the claim of *namespace*."""
        return self.render("--kind=job", f"--namespace={namespace}", "--token-secret=hub")

    def gone(self, obj: Object) -> None:
        """Delete *obj*, and return once its name is free."""
        self.cluster.api.delete(obj).expect(200)
        path = url_of(obj)
        wait_until(lambda: self.cluster.api.request("GET", path).code == 404, "it is gone")

    def log(self, pod: Object, container: str) -> str:
        meta = pod["metadata"]
        return self.cluster.kubectl(
            "logs", "-n", meta["namespace"], meta["name"], "-c", container
        ).stdout


@pytest.fixture(scope="module")
def filling(
    serving_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filling]:
    cluster, (node,) = serving_cluster, serving_cluster.nodes
    folder = tmp_path_factory.mktemp("hub")
    create_namespace(cluster.plane, RESTRICTED, {ENFORCE: "restricted"})
    create_namespace(cluster.plane, PRIVILEGED, {ENFORCE: "privileged"})
    for namespace in (RESTRICTED, PRIVILEGED):
        secret: Object = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "hub", "namespace": namespace},
            "stringData": {"token": TOKEN},
        }
        cluster.api.create(secret).expect(201)
    model = sharded(folder / "model", 3, 3_000_000)
    files: dict[str, bytes | Path] = {path.name: path for path in model.iterdir()}
    store = bind(cluster, node, RESTRICTED, "model-store")
    network = cluster.network
    with hub_server(folder / "hub", address=network.address, command=network.command) as hub:
        commit = hub.commit(MODEL, files)
        hub.gated(MODEL, TOKEN)
        yield Filling(cluster, hub, store, model, commit)
    for namespace in (RESTRICTED, PRIVILEGED):
        gone: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        cluster.api.delete(gone)


def load(filling: Filling, namespace: str) -> tuple[Object, Object]:
    """Return the Job, and its pod once that has succeeded."""
    job = filling.job(namespace)
    uid = job["metadata"]["uid"]
    pod = pod_with(filling.cluster, namespace, f"batch.kubernetes.io/controller-uid={uid}")
    pod = filling.cluster.ended(pod, 120)
    assert pod["status"]["phase"] == "Succeeded", ends(pod, "load")
    return job, pod


def loaded(files: Path, model: Path) -> None:
    """Assert that readers with any user find the model there."""
    found = files_of(files)
    del found[".modelcache.json"]
    assert found == files_of(model)
    assert (files / "models--acme--tiny" / "refs" / "main").exists()
    for path in files.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o444 == 0o444


def test_a_job_fills_the_claim_under_pod_security_restricted_and_the_next_finds_it_filled(
    filling: Filling,
) -> None:
    job, pod = load(filling, RESTRICTED)
    size = sum(path.stat().st_size for path in filling.model.iterdir())
    place = f"/store/acme--tiny/{filling.commit}: {size} bytes"
    assert f"{place}, {size} of them downloaded\n" in filling.log(pod, "load")
    loaded(filling.store / "acme--tiny" / "main", filling.model)
    assert TOKEN not in str(pod)
    again = filling.job(RESTRICTED)
    assert again["metadata"]["uid"] == job["metadata"]["uid"]
    filling.gone(job)
    _, pod = load(filling, RESTRICTED)
    assert f"{place}, 0 of them downloaded\n" in filling.log(pod, "load")


def node_cache(filling: Filling, directory: str, *arguments: str) -> tuple[Object, Object]:
    """Return the DaemonSet that fills *directory*, and its pod once that is ready."""
    created = filling.render(
        "--kind=daemonset", f"--namespace={PRIVILEGED}", "--stagger=1s", f"--host-path={directory}",
        *arguments,
    )  # fmt: skip
    name = created["metadata"]["name"]
    pod = pod_with(filling.cluster, PRIVILEGED, f"app.kubernetes.io/instance={name}")
    return created, filling.cluster.ready(pod, 120)


def test_a_daemon_set_fills_a_directory_that_only_root_could_write(filling: Filling) -> None:
    cluster, (node,) = filling.cluster, filling.cluster.nodes
    created, pod = node_cache(filling, f"{CACHE}/source", "--token-secret=hub")
    cache = node.disk(f"{CACHE}/source")
    loaded(cache / "acme--tiny" / "main", filling.model)
    assert (cache.stat().st_uid, cache.parent.stat().st_uid) == (USER, 0)
    (process,) = node.container_cgroup(pod, "rest").processes()
    os.kill(process, signal.SIGTERM)
    pod = cluster.wait_for(pod, lambda now: bool(ends(now, "rest")))
    assert [end["exitCode"] for end in ends(pod, "rest")] == [128 + signal.SIGTERM]
    cluster.api.delete(created).expect(200)


def test_a_directory_that_holds_something_keeps_its_owner_and_the_loader_says_so(
    filling: Filling,
) -> None:
    cluster, (node,) = filling.cluster, filling.cluster.nodes
    directory = f"{CACHE}/taken"
    node.disk(directory).mkdir(parents=True)
    (node.disk(directory) / "of-somebody").touch()
    created = filling.render(
        "--kind=daemonset", f"--namespace={PRIVILEGED}", "--stagger=0s", "--token-secret=hub",
        f"--host-path={directory}",
    )  # fmt: skip
    name = created["metadata"]["name"]
    pod = pod_with(filling.cluster, PRIVILEGED, f"app.kubernetes.io/instance={name}")
    pod = cluster.wait_for(pod, lambda now: bool(ends(now, "load")), 120)
    assert node.disk(directory).stat().st_uid == 0
    assert (
        f"/store: belongs to 0:0 with mode 0755, and this process (user {USER}"
        in (ends(pod, "load")[0]["message"])
    )
    said = "exit status 1: /store: belongs to 0:0 with mode 0755"

    def fails() -> bool:  # between two attempts
        (one,) = shown_loader(filling, created)["pods"]
        return one["state"] in ("Error", "CrashLoopBackOff") and one["said"].startswith(said)

    wait_until(fails, "status says why it failed", 60)
    cluster.api.delete(created).expect(200)


def shown_loader(filling: Filling, obj: Object) -> Object:
    """Return what `modelcache status` says about a loader; its source and name must be listed."""
    env = {"KUBECONFIG": str(filling.cluster.plane.kubeconfig)}
    ran = modelcache("status", "-o", "json", env=env)
    assert not ran.status, ran.err
    meta = obj["metadata"]
    (found,) = [
        one
        for one in json.loads(ran.out)["loaders"]
        if one["name"] == f"{meta['namespace']}/{meta['name']}" and one["kind"] == obj["kind"]
    ]
    assert found["source"] == f"hf://{MODEL}"
    return dict(found)


def test_status_shows_the_progress_of_a_daemon_set_until_it_is_complete(filling: Filling) -> None:
    filling.hub.fault(Fault(paths="*.safetensors", rate=100_000))
    created = filling.render(
        "--kind=daemonset", f"--namespace={PRIVILEGED}", "--stagger=0s", "--token-secret=hub",
        f"--host-path={CACHE}/slow",
    )  # fmt: skip
    progress: list[Object] = []

    def has_progress() -> bool:
        pods = shown_loader(filling, created)["pods"]
        progress[:] = [pod["progress"] for pod in pods if pod["progress"]]
        return bool(progress)

    wait_until(has_progress, "its log says how far it is", 120)
    filling.hub.heal()
    size = sum(path.stat().st_size for path in filling.model.iterdir())
    assert progress[0]["total"] == size
    assert 0 < progress[0]["rate"] < 3 * 200_000
    assert 0 <= progress[0]["percent"] < 100
    wait_until(lambda: shown_loader(filling, created)["state"] == "complete", "it is complete", 120)
    assert shown_loader(filling, created)["pods"] == []
    filling.cluster.api.delete(created).expect(200)


def test_a_node_copies_from_the_claim_without_the_hub(filling: Filling) -> None:
    cluster, (node,) = filling.cluster, filling.cluster.nodes
    bind(cluster, node, PRIVILEGED, "model-store")
    load(filling, PRIVILEGED)
    asked = len(filling.hub.requests())
    created, _ = node_cache(filling, f"{CACHE}/claim", "--claim=model-store")
    loaded(node.disk(f"{CACHE}/claim") / "acme--tiny" / "main", filling.model)
    assert len(filling.hub.requests()) == asked
    cluster.api.delete(created).expect(200)
