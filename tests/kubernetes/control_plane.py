"""Owns a control plane: etcd, kube-apiserver and, if wanted, kube-controller-manager.

It has what a user's cluster has: the default admission plugins, RBAC and service accounts. Only
durability is switched off. It has no nodes, so pods stay Pending; admission needs none.
"""

import contextlib
import dataclasses
import json
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from tests.kubernetes import binaries, command_lines
from tests.kubernetes.api import Api, Object
from tests.kubernetes.certificates import Authority, Pair, new_key, write_key
from tests.kubernetes.hosts import Host, Loopback
from tests.kubernetes.processes import FailedError, Process, Run

KUBECTL_SECONDS: Final = 180
"""How long kubectl may take: longer than every --timeout that tests give it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """In what one control plane differs from another."""

    api_server: binaries.Program = binaries.API_SERVER
    controller_manager: bool = True
    audit: bool = False
    flags: Sequence[str] = ()
    """Further flags of kube-apiserver, such as --emulated-version or --feature-gates."""


class ControlPlane:
    """A running control plane; stop() leaves nothing behind."""

    def __init__(
        self,
        options: Options | None = None,
        *,
        host: Host | None = None,
        run: Run | None = None,
    ) -> None:
        self.options = options or Options()
        self.host = host or Loopback()
        self.run = run or Run()
        try:
            self._start()
        except BaseException:  # an interrupt too must leave no process behind
            self.run.stop()
            raise

    def _start(self) -> None:
        self.authority = Authority(self.run.folder / "pki")
        self.url = f"https://{self.host.address}:{self.host.free_port()}"
        admin = self.authority.sign("admin", organisation="system:masters")
        self.kubeconfig = self.write_kubeconfig("admin", admin)
        self.audit_log = self.run.folder / "audit.jsonl"
        self._etcd = self._start_etcd()
        self.server = self._start_api_server()
        self.api = Api(self.url, str(self.authority.certificate), admin)
        self.server.wait_until(self._ready)
        if self.options.controller_manager:
            manager = self._start_controller_manager()
            manager.wait_until(lambda: self.has_service_account("default"))
        else:
            self.ensure_service_account("default")

    @contextlib.contextmanager
    def without_api_server(self) -> Iterator[None]:
        """Stop the API server for the time of a `with` block."""
        self.server.kill()
        try:
            yield
        finally:
            self.server = self._start_api_server()
            self.server.wait_until(self._ready)

    def stop(self) -> None:
        """End every process and remove all data."""
        if api := getattr(self, "api", None):
            api.close()
        self.run.stop()

    def write_kubeconfig(self, name: str, pair: Pair) -> Path:
        """Write a kubeconfig with the client certificate *pair*; return its path."""
        path = self.run.folder / f"{name}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.authority.certificate)}
        user = {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "tests", "cluster": cluster}],
                    "users": [{"name": name, "user": user}],
                    "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": name}}],
                    "current-context": "tests",
                }
            )
        )
        return path

    def _start_etcd(self) -> str:
        client, peer = (f"http://{self.host.address}:{self.host.free_port()}" for _ in range(2))
        words = command_lines.etcd(client, peer, self.run.folder / "etcd")
        etcd = self.run.start(self.host, "etcd", words)
        etcd.wait_until(lambda: listening(client))
        return client

    def _start_api_server(self) -> Process:
        names = ["localhost", "kubernetes.default", "kubernetes.default.svc"]
        hosts = [self.host.address, *names, command_lines.KUBERNETES_SERVICE]
        key = write_key(self.authority.folder / "service-accounts.key", new_key())
        words = command_lines.api_server(
            self.options.api_server,
            url=self.url,
            etcd=self._etcd,
            authority=self.authority,
            serving=self.authority.sign("kube-apiserver", hosts=hosts),
            service_accounts=key,
            kubelet_client=self.authority.sign("kubelet-client", organisation="system:masters"),
            audit_log=self.audit_log if self.options.audit else None,
        )
        return self.run.start(self.host, "kube-apiserver", [*words, *self.options.flags])

    def _start_controller_manager(self) -> Process:
        name = "kube-controller-manager"
        config = self.write_kubeconfig(name, self.authority.sign(f"system:{name}"))
        words = command_lines.controller_manager(config, self.authority)
        return self.run.start(self.host, name, words)

    def _ready(self) -> bool:
        try:
            return self.api.request("GET", "/readyz").ok
        except httpx.TransportError:
            return False

    def failed_calls(self, last: int = 5) -> list[str]:
        """Return the API server's last log lines about webhooks that it could not call."""
        lines = self.server.log.read_text(errors="replace").splitlines()
        return [line for line in lines if "ailed calling webhook" in line][-last:]

    def has_service_account(self, namespace: str) -> bool:
        """Whether pods can be created in *namespace* yet."""
        return self.api.get("v1", "ServiceAccount", "default", namespace).ok

    def ensure_service_account(self, namespace: str) -> None:
        """Wait for the `default` ServiceAccount; create it if no controller runs."""
        if self.options.controller_manager:
            self.server.wait_until(lambda: self.has_service_account(namespace))
            return
        account: Object = {"apiVersion": "v1", "kind": "ServiceAccount"}
        account["metadata"] = {"name": "default", "namespace": namespace}
        self.api.create(account).expect(201, 409)

    def kubectl(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002  # as subprocess.run calls it
        user: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator, or as *user*."""
        command = [str(binaries.path(binaries.KUBECTL)), f"--kubeconfig={self.kubeconfig}", *args]
        if user:
            command.append(f"--as={user}")
        return subprocess.run(
            self.host.command(command),
            input=input,
            capture_output=True,
            text=True,
            check=False,
            # HOME: its discovery cache. It runs for a moment, so a garbage collector costs only time.
            env={"GOGC": "off", **os.environ, "HOME": str(self.run.folder)},
            timeout=KUBECTL_SECONDS,
        )

    def version(self) -> str:
        """Return the version that the server reports."""
        answer: dict[str, Any] = self.api.request("GET", "/version").expect().body
        return str(answer["gitVersion"])

    def audit_events(self) -> list[Object]:
        """Return the audit events so far."""
        if not self.options.audit:
            raise FailedError("this control plane was started without an audit log")
        return [json.loads(line) for line in self.audit_log.read_text().splitlines()]


def listening(url: str) -> bool:
    """Whether a server accepts connections at *url*."""
    address, _, port = url.partition("://")[2].rpartition(":")
    try:
        socket.create_connection((address, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
