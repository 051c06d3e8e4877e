"""Owns the webhook as users install it: the files of deploy/, two replicas, one Service.

The files expect the image on the nodes, so it is loaded first.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Final

import yaml

from tests.images.product import MODELCACHE
from tests.kubernetes.api import Answer, Object, url
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.registration import DEPLOY, GROUP, PLUGINS, RULES, settle, wait_until
from tests.kubernetes.server import standing_aside

NAMESPACE: Final = "modelcache-system"
NAME: Final = "modelcache-webhook"
HOST: Final = f"{NAME}.{NAMESPACE}.svc"
CONFIGURATION: Final = "zz-modelcache"


@dataclasses.dataclass(frozen=True, slots=True)
class Installed:
    """An installed webhook; all of its replicas serve."""

    cluster: Cluster

    def deployment(self) -> Object:
        """Return its Deployment."""
        return self.cluster.api.get("apps/v1", "Deployment", NAME, NAMESPACE).expect().body

    def available(self) -> bool:
        """Whether all replicas serve and have the current version."""
        obj = self.deployment()
        status, wanted = obj["status"], obj["spec"]["replicas"]
        return bool(status.get("availableReplicas") == status.get("updatedReplicas") == wanted)

    def replicas(self) -> list[Object]:
        """Return the pods that are not being deleted."""
        selector = f"app.kubernetes.io/name={NAME}"
        pods = self.cluster.api.list("v1", "Pod", NAMESPACE, labelSelector=selector)
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def restarts(self) -> list[int]:
        """Return how often the container of each replica was restarted."""
        return [
            status["restartCount"]
            for replica in self.replicas()
            for status in replica["status"]["containerStatuses"]
        ]

    def strict(self) -> bool:
        """Whether the policies refuse pods that the webhook missed."""
        bindings = self.cluster.api.list(GROUP, "ValidatingAdmissionPolicyBinding")
        names = ((one["spec"]["policyName"], one) for one in bindings)
        # Those of rules do what the rules' modes say, from the beginning.
        ours = [
            one
            for name, one in names
            if name.startswith("modelcache-") and not name.startswith(RULES)
        ]
        return bool(ours) and all("Deny" in one["spec"]["validationActions"] for one in ours)

    def wait_until_strict(self) -> None:
        """Return once missed pods are refused, which begins some time after the first replica serves."""
        wait_until(self.strict, "what is missed is refused", 120)

    def metrics(self, replica: Object) -> str:
        """Return the metrics of one replica."""
        return self._asked(replica, "metrics").message

    def concerns(self) -> str:
        """Return the concerns that the replicas report."""
        reports = [self._asked(replica, "readyz").body["concerns"] for replica in self.replicas()]
        return "; ".join(text for concerns in reports for text in concerns.values())

    def _asked(self, replica: Object, path: str) -> Answer:
        where = f"{url('v1', 'Pod', NAMESPACE, replica['metadata']['name'])}:8080/proxy/{path}"
        return self.cluster.api.request("GET", where).expect()


def install(cluster: Cluster) -> Installed:
    """Install the webhook with the image of this checkout; return once it is in force."""
    archive = MODELCACHE.path(shipped_image())
    for node in cluster.nodes:
        node.load(archive)
    wait_until(lambda: _gone(cluster), "an earlier installation is deleted", 60)
    _kubectl(cluster, "apply", "-k", str(DEPLOY))
    webhook = Installed(cluster)
    wait_until(webhook.available, "both replicas of the webhook are available", 90)
    webhook.wait_until_strict()
    settle(cluster.plane, PLUGINS)
    wait_until(lambda: _answers(cluster), "the API server reaches the webhook", 60)
    return webhook


def uninstall(cluster: Cluster) -> None:
    """Delete the installed objects; return once they are no longer in force."""
    _kubectl(cluster, "delete", "-k", str(DEPLOY), "--ignore-not-found", "--wait=false")
    for pod in cluster.api.list("v1", "Pod", NAMESPACE):
        cluster.api.delete(pod | {"apiVersion": "v1", "kind": "Pod"})  # without a grace period
    settle(cluster.plane, PLUGINS)


@contextlib.contextmanager
def installed(cluster: Cluster) -> Iterator[Installed]:
    """Install the webhook for the time of a `with` block."""
    with standing_aside(cluster.plane):
        try:
            yield install(cluster)
        finally:
            uninstall(cluster)


def _answers(cluster: Cluster) -> bool:
    """Whether the webhook warns about an unknown annotation."""
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "probe-", "annotations": {"modelcache.io/probe": ""}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    return bool(cluster.api.create(pod, dry_run=True).warnings)


def _gone(cluster: Cluster) -> bool:
    answer = cluster.api.get("v1", "Namespace", NAMESPACE)
    return answer.code == 404


def _kubectl(cluster: Cluster, *args: str) -> None:
    done = cluster.kubectl(*args)
    if done.returncode:
        raise AssertionError(f"kubectl {' '.join(args)}: {done.stderr}")


def manifests() -> list[Object]:
    """Return every object that `kubectl apply -k deploy` applies."""
    names = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["resources"]
    texts = [(DEPLOY / name).read_text() for name in names]
    return [obj for text in texts for obj in yaml.safe_load_all(text)]


def shipped_image() -> str:
    """Return the image that the shipped Deployment runs."""
    (deployment,) = [obj for obj in manifests() if obj["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return str(container["image"])
