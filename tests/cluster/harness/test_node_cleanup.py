"""A cluster with nodes leaves nothing on the machine, however it ends."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kubernetes import cgroups, sandbox_image
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.network_namespace import NetworkNamespace
from tests.kubernetes.node import Node
from tests.kubernetes.node_configuration import SANDBOX_IMAGE
from tests.kubernetes.processes import Identity, Run, recorded, runs
from tests.kubernetes.traces import Traces
from tests.loading.disks import formatted, mounted

ROOT = Path(__file__).parents[3]
PODS = """
import dataclasses, json, sys
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.processes import Run
from tests.cluster.harness.test_node_cleanup import start_pod
from tests.kubernetes.traces import Traces
run = Run()
run.detached = sys.argv[1] == "unguarded"
cluster = Cluster(run=run)
start_pod(cluster)
print(json.dumps(dataclasses.asdict(Traces.of(cluster))), flush=True)
sys.stdin.read()
"""
HALF_WAY = """
import sys
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.processes import Run
run = Run()
run.detached = sys.argv[1] == "unguarded"
print(run.folder, flush=True)
Cluster(run=run)
"""


def start_pod(cluster: Cluster) -> None:
    """Run a pod with mounts of several kinds, until it is ready."""
    cluster.plane.ensure_service_account("default")
    kinds: Object = {
        "disk": {"emptyDir": {}},
        "memory": {"emptyDir": {"medium": "Memory"}},
        "cache": {"hostPath": {"path": "/var/lib/model-cache"}},
        "image": {"image": {"reference": SANDBOX_IMAGE, "pullPolicy": "Never"}},
    }
    created: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {
            "volumes": [{"name": name, **source} for name, source in kinds.items()],
            "containers": [
                {
                    "name": "c",
                    "image": SANDBOX_IMAGE,
                    "imagePullPolicy": "Never",
                    "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in kinds],
                }
            ],
        },
    }
    cluster.ready(cluster.api.create(created).expect(201).body)


def named_namespaces() -> list[str]:
    return subprocess.run(
        ["ip", "netns"], capture_output=True, text=True, check=True
    ).stdout.split()


def test_a_stop_leaves_nothing_and_nothing_is_mounted_outside_before() -> None:
    named = named_namespaces()
    cluster = Cluster()
    try:
        start_pod(cluster)
        traces = Traces.of(cluster)
        # etcd, API server, controller manager, scheduler, kube-proxy, the network's holder,
        # containerd, kubelet, two shims or more, sandbox and container.
        assert len(traces.processes()) >= 12
        assert traces.groups()
        assert traces.interfaces()
        assert not traces.mounts()
        assert named_namespaces() == named
    finally:
        cluster.stop()
    assert not traces.all()


def test_a_disk_that_was_mounted_before_a_node_started_is_not_kept_in_use(tmp_path: Path) -> None:
    formatted(tmp_path / "disk", 16 << 20, "mkfs.ext4", "-q")
    run = Run()
    try:
        # It waits for the end of the mount, until the file of the disk is closed.
        with mounted(tmp_path / "disk", tmp_path / "folder"):
            node = Node("node", NetworkNamespace(run), run)
        assert Identity.of(node.pid)
    finally:
        run.stop()


def freeze(group: str) -> None:
    for root in cgroups.hierarchies():
        for name, frozen in (("freezer.state", "FROZEN"), ("cgroup.freeze", "1")):
            if (root / group / name).exists():
                (root / group / name).write_text(frozen)


@pytest.mark.parametrize("mode", ["guarded", "unguarded"])
def test_the_next_run_removes_the_remains_of_a_killed_one(mode: str) -> None:
    """Guarded: the kernel ends the processes at once. Unguarded: the next run must end them.

    It finds containers frozen, as runc leaves them if it is killed while it sets limits.
    """
    first = subprocess.Popen(
        [sys.executable, "-c", PODS, mode], cwd=ROOT, stdin=-1, stdout=-1, text=True
    )
    with first:
        assert first.stdout
        traces = Traces(**json.loads(first.stdout.readline()))
        started = len(traces.processes())
        first.send_signal(signal.SIGKILL)
    assert started >= 12
    if mode == "guarded":
        deadline = time.monotonic() + 20
        while (left := traces.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left
    else:
        assert len(traces.processes()) == started
        freeze(traces.group)
    assert traces.groups()
    Run().stop()
    gone = time.monotonic() + 10
    while traces.interfaces() and time.monotonic() < gone:
        time.sleep(0.02)
    assert not traces.all()


@pytest.mark.parametrize("processes", [2, 4, 6])
def test_a_run_that_is_killed_while_it_starts_leaves_nothing_either(processes: int) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", HALF_WAY, "unguarded"], cwd=ROOT, stdout=-1, text=True
    )
    with first:
        assert first.stdout
        folder = Path(first.stdout.readline().strip())
        while len(recorded(folder)) < processes:
            assert first.poll() is None
            time.sleep(0.002)
        first.send_signal(signal.SIGKILL)
    traces = dataclasses.replace(NOWHERE, folder=str(folder), group=f"modelcache-{folder.name}")
    assert traces.all()
    Run().stop()
    assert not traces.all()


LOADED = "example.org/loaded:1"
NOWHERE = Traces(folder="", group="", link=0, namespaces=())


def said_by(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_kept_cluster_runs_images_loaded_into_it_and_taken_down_leaves_nothing(
    tmp_path: Path,
) -> None:
    name = f"kept-{os.getpid()}"
    command = [sys.executable, "-m", "tests.kubernetes"]
    try:
        up = [*command, "up", "--name", name]
        said = said_by(*up)
        (line,) = [line for line in said.splitlines() if "--kubeconfig" in line]
        kubectl = line.split(" apply ")[0].split()
        listed = said_by(*kubectl, "get", "nodes", "-o", "name")
        assert listed.split() == ["node/node-1"]
        webhook = [*kubectl, "get", "deployment", "-n", "modelcache-system", "-o", "name"]
        assert "modelcache-webhook" in said_by(*webhook)
        said_by(*command, "load", "--name", name, str(sandbox_image.write(tmp_path, LOADED)))
        said_by(*kubectl, "run", "p", "--image", LOADED, "--image-pull-policy=Never")
        said_by(*kubectl, "wait", "--for=condition=Ready", "--timeout=60s", "pod", "--all")
        folder = runs() / name
        traces = dataclasses.replace(NOWHERE, folder=str(folder), group=f"modelcache-{name}")
        assert traces.groups()
        assert traces.processes()
    finally:
        subprocess.run([*command, "down", "--name", name], cwd=ROOT, check=True)
    assert not traces.all()
