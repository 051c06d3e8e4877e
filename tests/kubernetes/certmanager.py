"""Owns cert-manager in a cluster: its resources, its controller and its CA injector.

Both run next to the control plane, as the administrator. Its webhook does not run. It only
validates, and the chart refuses the same (deploy/chart/templates/checks.yaml).
"""

import base64
import contextlib
from collections.abc import Iterator
from typing import Final

from tests.kubernetes import binaries
from tests.kubernetes.api import Object, url
from tests.kubernetes.cluster import Cluster, condition
from tests.kubernetes.custom_resources import CERT_MANAGER, served
from tests.kubernetes.processes import Process
from tests.kubernetes.registration import wait_until

GROUP: Final = "cert-manager.io/v1"
KINDS: Final = ("certificaterequests", "certificates", "clusterissuers", "issuers")
INJECTOR: Final = "cert-manager-cainjector"
"""The field manager of the CA injector."""
REPLACING: Final = "--feature-gates=CAInjectorMerging=false"
"""The bundle is the current authority alone, as before 1.19. Since 1.19 a new one is added to it."""


class CertManager:
    """The running controller of cert-manager; the CA injector is started by write_bundles()."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._processes: dict[binaries.Program, Process] = {}
        self._start(binaries.CERT_MANAGER)

    def write_bundles(self, *flags: str) -> None:
        """Start the CA injector with *flags*, or restart it with them."""
        self._start(binaries.CA_INJECTOR, *flags)

    def _start(self, program: binaries.Program, *flags: str) -> None:
        if earlier := self._processes.get(program):
            earlier.kill()
        config = f"--kubeconfig={self._cluster.plane.kubeconfig}"
        self._processes[program] = self._cluster.run.start(
            self._cluster.network, program.name, [binaries.path(program), config, *flags]
        )

    def stop(self) -> None:
        """End it."""
        for process in self._processes.values():
            process.kill()

    def issue(self, name: str, namespace: str) -> None:
        """Renew a Certificate, as `cmctl renew` does; return when its Secret has the new one."""
        found = self._certificate(name, namespace)
        before = found["status"]["revision"]
        due = {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": ""}
        found["status"]["conditions"].append(due)
        path = f"{url(GROUP, 'Certificate', namespace, name)}/status"
        self._cluster.api.request("PUT", path, found).expect()
        self.wait_for(name, namespace, before + 1)

    def wait_for(self, name: str, namespace: str, revision: int) -> None:
        """Return once a Certificate has reached *revision* and is ready."""

        def issued() -> bool:
            found = self._certificate(name, namespace)
            return bool(
                found.get("status", {}).get("revision", 0) >= revision
                and condition(found, "Ready") == "True"
                and condition(found, "Issuing") != "True"
            )

        wait_until(issued, f"Certificate {name} is issued", 60)

    def _certificate(self, name: str, namespace: str) -> Object:
        return self._cluster.api.get(GROUP, "Certificate", name, namespace).expect().body


@contextlib.contextmanager
def issuing(cluster: Cluster) -> Iterator[CertManager]:
    """Run cert-manager for the time of a `with` block; then its resources are removed."""
    for program in (binaries.CERT_MANAGER, binaries.CA_INJECTOR):
        binaries.path(program)
    definitions = [CERT_MANAGER.definition(f"cert-manager.io_{kind}") for kind in KINDS]
    with served(cluster.plane, definitions):
        found = CertManager(cluster)
        try:
            yield found
        finally:
            found.stop()


def secret(cluster: Cluster, name: str, namespace: str) -> dict[str, bytes]:
    """Return the data of a Secret; empty if there is no Secret."""
    data = cluster.api.get("v1", "Secret", name, namespace).body.get("data", {})
    return {key: base64.b64decode(value) for key, value in data.items()}
