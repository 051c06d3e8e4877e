"""A hub, a store and nodes, and the loaders that `render` prints for them."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from tests.cli.command import modelcache
from tests.hub.fault import Fault
from tests.hub.running import Hub
from tests.images.product import MODELCACHE
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.inference_pods import ask, container, deployment, replicas_of
from tests.kubernetes.registration import wait_until
from tests.store.models import sharded
from webhook.models.layout import hub_folder
from webhook.rendering.pod import MODEL

SIZE: Final = 24_000_000
"""Bytes of a model, unless a test says otherwise."""
DEADLINE_SECONDS: Final = 600
"""Seconds for a load on a busy machine. A loader waits a minute for one that was killed, and the Job
controller waits 10, 20, 40 … seconds before each further pod."""
CACHE: Final = f"/var/lib/model-cache/once-{os.getpid()}"
"""The nodes' directory."""
BUSY: Final = Fault(where="cdn", status=503, headers={"Retry-After": "1"})


@dataclasses.dataclass(frozen=True)
class Shop:
    """A cluster with two nodes, a hub in its network, and a namespace in which any pod may run."""

    cluster: Cluster
    hub: Hub
    namespace: str
    folder: Path
    """The folder of the hub's models."""
    store: Path
    """The path from here of the claim's files."""

    def commit(self, model: str, size: int = SIZE) -> str:
        """Add *model* to the hub; return its commit."""
        files = sharded(self.folder / hub_folder(model), 3, size)
        return self.hub.commit(model, {path.name: path for path in files.iterdir()})

    def render(self, model: str, *arguments: str) -> list[Object]:
        """Apply the objects that `render` prints for *model*; return them as stored."""
        ran = modelcache(
            "render", model, f"--image={MODELCACHE.reference}", f"--env=HF_ENDPOINT={self.hub.url}",
            f"--namespace={self.namespace}", f"--deadline={DEADLINE_SECONDS}s", *arguments,
        )  # fmt: skip
        assert not ran.status, ran.err
        return [self.cluster.api.apply(obj).expect().body for obj in yaml.safe_load_all(ran.out)]

    def caches(self, model: str, replicas: int = 2) -> tuple[Object, list[Object]]:
        """Return the DaemonSet that fills the nodes' caches and labels them, and its pods."""
        flags = ("--kind=daemonset", "--kind=node-labels", f"--host-path={CACHE}", "--stagger=0s")
        daemon_set = self.render(model, *flags)[-1]
        daemon_set["spec"]["replicas"] = replicas
        return daemon_set, replicas_of(self.cluster, daemon_set)

    def arrived(self, model: str) -> int:
        """Return how many bytes of *model* the hub has sent."""
        every = [one for one in self.hub.requests() if one.repo == model and one.where != "api"]
        return sum(one.sent for one in every if one.code in (200, 206))

    def size(self, model: str) -> int:
        """Return the size of the files of *model* that are downloaded."""
        folder = self.folder / hub_folder(model)
        return sum(path.stat().st_size for path in folder.iterdir())

    def servers(self, model: str, strategy: str, replicas: int, **more: Any) -> Object:
        """Return a Deployment whose servers read *model*."""
        asked = {"model": model, "strategy": strategy, "shm-size": "8Mi", **more}
        server = container(request="32Mi", limit="96Mi")
        return deployment(
            self.namespace, asked, server, name=f"{strategy}-servers".lower(), replicas=replicas
        )

    def read_all(self, model: str, pods: Sequence[Object]) -> None:
        """Assert that each of *pods* has read every byte of *model*, with the right digests."""
        for pod in pods:
            (found,) = ask(self.cluster, pod, "/report")["models"]
            assert found["manifest"] == "agrees", found
            weights = (self.folder / hub_folder(model)).glob("*.safetensors")
            assert found["bytes"] >= sum(path.stat().st_size for path in weights)

    def labelled(self, label: str) -> list[str]:
        """Return the names of the nodes with *label*."""
        nodes = self.cluster.api.list("v1", "Node", labelSelector=f"{label}=ready")
        return sorted(node["metadata"]["name"] for node in nodes)

    def completed(self, job: Object) -> Object:
        """Return the pod with which *job* succeeded, whatever happened to earlier ones."""
        meta = job["metadata"]
        status: Object = {}

        def ended() -> bool:
            now = self.cluster.api.get("batch/v1", "Job", meta["name"], meta["namespace"])
            status.update(now.expect().body["status"])
            types = {one["type"] for one in status.get("conditions", []) if one["status"] == "True"}
            return bool(types & {"Complete", "Failed"})

        wait_until(ended, f"{meta['name']} has ended", DEADLINE_SECONDS)
        every = self.pods(job)
        assert status.get("succeeded"), f"{status}\n{[self.log(pod) for pod in every]}"
        (found,) = [pod for pod in every if pod["status"]["phase"] == "Succeeded"]
        return found

    def pods(self, job: Object) -> list[Object]:
        """Return the pods of *job* so far."""
        chosen = f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}"
        return self.cluster.api.list("v1", "Pod", self.namespace, labelSelector=chosen)

    def end(self, pods: Sequence[Object]) -> None:
        """Delete *pods*; their controller creates others."""
        for pod in pods:
            self.cluster.api.delete({"apiVersion": "v1", "kind": "Pod", **pod}).expect(200)

    def logs(self, model: str) -> str:
        """Return the output of the loaders of *model*."""
        where = ("-n", self.namespace, "-l", f"{MODEL}={hub_folder(model)}")
        return self.cluster.kubectl("logs", *where).stdout

    def log(self, pod: Object) -> str:
        meta = pod["metadata"]
        return self.cluster.kubectl("logs", "-n", meta["namespace"], meta["name"]).stdout


def jobs_ended(shop: Shop, jobs: Sequence[Object]) -> list[Object]:
    """Return the pods of *jobs* once all have succeeded."""
    found = []
    for job in jobs:
        wait_until(lambda job=job: bool(shop.pods(job)), "there is a pod")  # type: ignore[misc]
        found.append(shop.cluster.ended(shop.pods(job)[0], 120))
        assert found[-1]["status"]["phase"] == "Succeeded", shop.log(found[-1])
    return found
