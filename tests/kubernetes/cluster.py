"""Owns a whole cluster: a control plane, a scheduler, kube-proxy and nodes.

Everything is in one network namespace. Several clusters can run at once: each has its own names
of interfaces and control groups, and its own addresses.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.kubernetes import binaries, node_configuration, packages
from tests.kubernetes.api import Api, Object
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.network_namespace import NetworkNamespace, wait_until_gone
from tests.kubernetes.node import Disk, Node
from tests.kubernetes.processes import FailedError, Process, Run


class Cluster:
    """A running cluster whose nodes are ready; stop() leaves nothing behind."""

    def __init__(
        self,
        nodes: int = 1,
        options: Options | None = None,
        *,
        run: Run | None = None,
        disk: Disk | None = None,
    ) -> None:
        """*disk*: what the nodes have at the beginning; without it they have no images."""
        if os.geteuid():
            raise FailedError("nodes need root, for namespaces, mounts and control groups")
        packages.install()
        for program in binaries.CLUSTER:
            binaries.path(program)
        self.run = run or Run()
        self.nodes: list[Node] = []
        try:
            self._start(nodes, options, disk)
        except BaseException:  # an interrupt too must leave nothing behind
            self.run.stop()
            raise

    def _start(self, nodes: int, options: Options | None, disk: Disk | None) -> None:
        self.network = NetworkNamespace(self.run)
        for number in range(1, nodes + 1):
            self.nodes.append(Node(f"node-{number}", self.network, self.run, disk))
        self.plane = ControlPlane(options, host=self.network, run=self.run)
        for node in self.nodes:
            node.join(self.plane)
        self._start_program("kube-scheduler", node_configuration.scheduler)
        self.kube_proxy = self._start_program(
            "kube-proxy",
            lambda config: node_configuration.kube_proxy(
                self.run.folder, config, self.network.address
            ),
        )
        for node in self.nodes:
            node.kubelet.process.wait_until(lambda name=node.name: self._ready(name))  # type: ignore[misc]

    def _start_program(self, name: str, words: Callable[[Path], list[str | Path]]) -> Process:
        user = self.plane.authority.sign(f"system:{name}")
        command = words(self.plane.write_kubeconfig(name, user))
        return self.run.start(self.network, name, command, {"PATH": packages.PATH})

    def _ready(self, node: str) -> bool:
        answer = self.api.get("v1", "Node", node)
        return answer.ok and condition(answer.body, "Ready") == "True"

    @property
    def api(self) -> Api:
        """A client of the API server, as the administrator."""
        return self.plane.api

    def kubectl(self, *args: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run kubectl as ControlPlane.kubectl does."""
        return self.plane.kubectl(*args, **more)

    @contextlib.contextmanager
    def without_kube_proxy(self) -> Iterator[None]:
        """Pause kube-proxy for the time of a `with` block: no Service gets or loses an endpoint."""
        self.kube_proxy.popen.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.kube_proxy.popen.send_signal(signal.SIGCONT)

    def node_of(self, pod: Object) -> Node:
        """Return the node that a scheduled pod runs on."""
        (node,) = [node for node in self.nodes if node.name == pod["spec"]["nodeName"]]
        return node

    def stop(self) -> None:
        """End everything. Containers and mounts end with the first process of their node."""
        self.plane.stop()
        wait_until_gone(self.network.link_index)

    def wait_for(self, pod: Object, holds: Callable[[Object], bool], seconds: float = 60) -> Object:
        """Return *pod* once *holds* is true of it; raises FailedError, with its state, after *seconds*."""
        meta = pod["metadata"]
        deadline = time.monotonic() + seconds
        while True:
            answer = self.api.get("v1", "Pod", meta["name"], meta["namespace"])
            if answer.ok and holds(answer.body):
                return answer.body
            if time.monotonic() > deadline:
                shown = self.kubectl("describe", "pod", "-n", meta["namespace"], meta["name"])
                raise FailedError(f"not within {seconds:g} s:\n{shown.stdout}{shown.stderr}")
            time.sleep(0.2)

    def ready(self, pod: Object, seconds: float = 60) -> Object:
        """Return *pod* once all its containers are ready."""
        return self.wait_for(pod, lambda obj: condition(obj, "Ready") == "True", seconds)

    def ended(self, pod: Object, seconds: float = 60) -> Object:
        """Return *pod* once it has succeeded or failed."""
        ends = ("Succeeded", "Failed")
        return self.wait_for(pod, lambda obj: obj["status"].get("phase") in ends, seconds)


def condition(obj: Object, name: str) -> str:
    """Return the status of the condition *name* of *obj*; empty if it has no such condition."""
    conditions = obj.get("status", {}).get("conditions", [])
    return next((str(one["status"]) for one in conditions if one["type"] == name), "")
