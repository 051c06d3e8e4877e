"""Owns a helm release of the chart in a cluster, installed and changed as users do."""

import base64
import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from tests.images.product import MODELCACHE
from tests.kubernetes import helm
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.helm import CHART
from tests.kubernetes.installed import CONFIGURATION, NAMESPACE, Installed
from tests.kubernetes.node_disk import disk
from tests.kubernetes.registration import GROUP, wait_until


@contextlib.contextmanager
def on_two_nodes() -> Iterator["Release"]:
    """Yield a release that is not installed yet, in a new cluster whose nodes have the image."""
    cluster = Cluster(nodes=2, disk=disk())
    try:
        for node in cluster.nodes:
            node.load(MODELCACHE.path())
        yield Release(cluster)
    finally:
        cluster.stop()


class Release:
    """A helm release of the chart."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.installed = Installed(cluster)

    def helm(self, *words: str, values: str = "") -> None:
        helm.helm(*words, "--namespace", NAMESPACE, plane=self.cluster.plane, values=values)

    def said(self) -> str:
        """Return the last log lines of the API server about failed calls, and of kube-proxy."""
        proxy = self.cluster.kube_proxy.log.read_text(errors="replace").splitlines()
        troubles = [line for line in proxy if line.startswith(("E", "W")) or "failed" in line]
        return "\n".join([*self.cluster.plane.failed_calls(), "kube-proxy:", *troubles[-10:]])

    def change(
        self,
        verb: str,
        values: str,
        *flags: str,
        chart: Path = CHART,
        reference: str = MODELCACHE.reference,
    ) -> None:
        """Install or upgrade the release, and wait as `helm --wait` does. *reference* is its image."""
        repository, _, tag = reference.rpartition(":")
        image = f"image: {{repository: {repository}, tag: '{tag}', pullPolicy: Never}}\n"
        more = ["--create-namespace"] if verb == "install" else []
        words = (verb, helm.RELEASE, str(chart), "--wait", *more, *flags)
        self.helm(*words, values=image + values)

    def bundle(self) -> list[x509.Certificate]:
        """Return the certificates that the registration trusts; none if its bundle is empty or garbled."""
        try:
            return x509.load_pem_x509_certificates(self.bundle_pem())
        except ValueError:
            return []

    def bundle_pem(self) -> bytes:
        """Return the bundle of the registration."""
        obj = self.cluster.api.get(GROUP, "MutatingWebhookConfiguration", CONFIGURATION).body
        (bundle,) = {hook["clientConfig"].get("caBundle", "") for hook in obj["webhooks"]}
        return base64.b64decode(bundle)

    def processes(self, replica: Object) -> dict[str, int]:
        """Return the processes of a replica by role: server and controller."""
        found = {}
        for pid in self.cluster.node_of(replica).container_cgroup(replica, "webhook").processes():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            found["server" if b"serve" in words else "controller"] = pid
        return found

    def metric(self, name: str) -> list[float]:
        """Return a metric of each running replica; *name* is a pattern."""
        pattern = re.compile(rf"^{name} (\S+)$", re.MULTILINE)
        texts = [self.installed.metrics(replica) for replica in self.installed.replicas()]
        return [float(pattern.findall(text)[0]) for text in texts]

    def asked(self) -> Object:
        """Return the replica that gets the most reviews now. Since connections last, often only one does."""
        reviews = "modelcache_admission_duration_seconds_count"
        asked: list[float] = []

        def some() -> bool:
            try:
                before = self.metric(reviews)
                time.sleep(2)
                asked[:] = [b - a for a, b in zip(before, self.metric(reviews), strict=True)]
            except (AssertionError, ValueError):  # a replica starts or ends
                return False
            return any(asked)

        wait_until(some, "a replica is asked that is not about to end", 60)
        return self.installed.replicas()[asked.index(max(asked))]
