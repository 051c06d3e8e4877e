"""Owns the webhook as users install it: the files of deploy/, two replicas, one Service.

What the files leave to the user is added: the image, by an overlay; the Secret with a
certificate; its CA in the registration.
"""

import base64
import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator
from typing import Final

import yaml

from tests.cluster.api import Object
from tests.cluster.certificates import Authority
from tests.cluster.cluster import Cluster
from tests.cluster.registration import DEPLOY, GROUP, PLUGINS, settle, wait_until
from tests.cluster.server import standing_aside

NAMESPACE: Final = "modelcache-system"
NAME: Final = "modelcache-webhook"
SHIPPED_IMAGE: Final = "modelcache/modelcache-webhook"
HOST: Final = f"{NAME}.{NAMESPACE}.svc"
CONFIGURATION: Final = "zz-modelcache"


@dataclasses.dataclass(frozen=True, slots=True)
class Installed:
    """An installed webhook, all of whose replicas serve."""

    cluster: Cluster
    authority: Authority

    def deployment(self) -> Object:
        """Return its Deployment."""
        return self.cluster.api.get("apps/v1", "Deployment", NAME, NAMESPACE).expect().body

    def replicas(self) -> list[Object]:
        """Return the pods that are not about to end."""
        selector = f"app.kubernetes.io/name={NAME}"
        pods = self.cluster.api.list("v1", "Pod", NAMESPACE, labelSelector=selector)
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def metrics(self, replica: Object) -> str:
        """Return what one replica tells Prometheus."""
        name = replica["metadata"]["name"]
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}:8080/proxy/metrics"
        return self.cluster.api.request("GET", path).expect().message


@contextlib.contextmanager
def installed(cluster: Cluster, image: str) -> Iterator[Installed]:
    """Install the webhook from *image*, which all nodes have, for the time of a `with` block."""
    name, _, tag = image.rpartition(":")
    overlay = cluster.run.folder / "overlay"
    overlay.mkdir(exist_ok=True)
    kustomization = {
        "resources": [os.path.relpath(DEPLOY, overlay)],
        "images": [{"name": SHIPPED_IMAGE, "newName": name, "newTag": tag}],
    }
    (overlay / "kustomization.yaml").write_text(json.dumps(kustomization))
    with standing_aside(cluster.plane):
        try:
            yield _install(cluster, str(overlay))
        finally:
            _kubectl(cluster, "delete", "-k", str(overlay), "--ignore-not-found", "--wait=false")
            for pod in cluster.api.list("v1", "Pod", NAMESPACE):
                cluster.api.delete(pod | {"apiVersion": "v1", "kind": "Pod"})  # at once
            settle(cluster.plane, PLUGINS)


def _install(cluster: Cluster, overlay: str) -> Installed:
    wait_until(lambda: _gone(cluster), "an earlier installation is deleted", 60)
    authority = Authority(cluster.run.folder / "installed", "webhook")
    pair = authority.sign(NAME, hosts=[HOST])
    _kubectl(cluster, "apply", "-f", str(DEPLOY / "namespace.yaml"))
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": f"{NAME}-tls", "namespace": NAMESPACE},
        "data": {
            "tls.crt": base64.b64encode(pair.certificate.read_bytes()).decode(),
            "tls.key": base64.b64encode(pair.key.read_bytes()).decode(),
        },
    }
    cluster.api.create(secret).expect(201)
    _kubectl(cluster, "apply", "-k", overlay)
    trust(cluster, authority.pem)
    webhook = Installed(cluster, authority)
    wait_until(lambda: _available(webhook), "both replicas of the webhook are available", 90)
    settle(cluster.plane, PLUGINS)
    wait_until(lambda: _answers(cluster), "the API server reaches the webhook", 60)
    return webhook


def trust(cluster: Cluster, authorities: bytes) -> None:
    """Let the API server trust *authorities*, PEM, of both webhooks."""
    encoded = base64.b64encode(authorities).decode()
    registered = cluster.api.get(GROUP, "MutatingWebhookConfiguration", CONFIGURATION).expect().body
    for hook in registered["webhooks"]:
        hook["clientConfig"]["caBundle"] = encoded
    cluster.api.replace(registered).expect()


def _available(webhook: Installed) -> bool:
    obj = webhook.deployment()
    status, wanted = obj["status"], obj["spec"]["replicas"]
    return bool(status.get("availableReplicas") == status.get("updatedReplicas") == wanted)


def _answers(cluster: Cluster) -> bool:
    """Whether the webhook warns of an annotation that nobody knows."""
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
