"""The harness: what it starts is real, and it leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubernetes import binaries
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.network_namespace import BRIDGE, NetworkNamespace, ip
from tests.kubernetes.processes import Identity, Run, recorded, runs

ROOT = Path(__file__).parents[3]
POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"generateName": "p-"},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}
CONNECT = """
import contextlib, socket, subprocess, sys, time
def lead(to):
    rules = "flush ruleset; table ip t { chain c { type nat hook output priority -100;"
    rules += f" ip daddr 10.96.0.9 tcp dport 443 dnat to {to}; }}; }}"
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
def connect(seconds):
    with socket.socket() as client:
        client.bind(("10.88.0.1", 50000))
        client.settimeout(seconds)
        client.connect(("10.96.0.9", 443))
lead("10.88.0.77:8443")
with contextlib.suppress(OSError):
    connect(0.5)
lead("10.88.0.1:8443")
with socket.create_server(("10.88.0.1", 8443)):
    began = time.monotonic()
    while True:
        with contextlib.suppress(OSError):
            connect(0.2)
            break
        time.sleep(13)
print(time.monotonic() - began)
"""
START = """
import sys
from tests.kubernetes import binaries
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.processes import Run
run = Run()
run.detached = sys.argv[1] == "unguarded"
print(run.folder, flush=True)
ControlPlane(Options(controller_manager=False), run=run)
print("ready", flush=True)
sys.stdin.read()
"""


def test_further_flags_reach_the_api_server() -> None:
    flags = ["--emulated-version=1.34", "--feature-gates=ImageVolume=false"]
    plane = ControlPlane(Options(controller_manager=False, flags=flags))
    try:
        version = plane.api.request("GET", "/version").body
        assert (version["gitVersion"], version["emulationMinor"]) == (binaries.KUBERNETES, "34")
    finally:
        plane.stop()
    assert not plane.run.folder.exists()


def test_a_start_that_fails_leaves_nothing() -> None:
    run = Run()
    options = Options(controller_manager=False, flags=["--no-such-flag"])
    with pytest.raises(Exception, match="unknown flag: --no-such-flag"):
        ControlPlane(options, run=run)
    assert not run.folder.exists()
    assert not run.processes


@pytest.mark.parametrize("mode", ["guarded", "unguarded"])
@pytest.mark.parametrize("moment", ["half-way", "ready"])
def test_after_a_killed_run_the_next_one_starts_clean(mode: str, moment: str) -> None:
    """Guarded: the kernel ends the children. Unguarded: the next run must end them."""
    first = subprocess.Popen(
        [sys.executable, "-c", START, mode],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with first:
        assert first.stdout
        folder = Path(first.stdout.readline().strip())
        if moment == "ready":
            assert first.stdout.readline() == "ready\n"
        else:
            while len(recorded(folder)) < 2:
                assert first.poll() is None
                time.sleep(0.005)
        started = recorded(folder)
        assert [process.alive() for process in started] == [True, True]
        first.send_signal(signal.SIGKILL)
    if mode == "guarded":
        deadline = time.monotonic() + 5
        while any(process.alive() for process in started) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not any(process.alive() for process in started)
    else:
        assert all(process.alive() for process in started)

    second = ControlPlane(Options(controller_manager=False))
    try:
        assert not any(process.alive() for process in started)
        assert not folder.exists()
        assert second.api.create(POD, dry_run=True).code == 201
    finally:
        second.stop()


def test_another_process_with_a_recorded_id_is_left_alone() -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)
    with bystander:
        real = Identity.of(bystander.pid)
        assert real
        Identity(real.pid, real.started - 1, real.boot).kill()
        Identity(real.pid, real.started, "another boot").kill()
        assert bystander.poll() is None
        bystander.kill()


def test_a_kept_cluster_outlives_the_command_and_later_runs_until_it_is_taken_down() -> None:
    name = f"kept-{os.getpid()}"
    command = [sys.executable, "-m", "tests.kubernetes"]
    up = [*command, "up", "--name", name, "--nodes", "0"]
    try:
        said = subprocess.run(up, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        again = subprocess.run(up, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert again in said
        processes = recorded(runs() / name)
        Run().stop()
        assert len(processes) >= 3
        assert all(process.alive() for process in processes)
        (line,) = [line for line in said.splitlines() if "--kubeconfig" in line]
        kubectl = line.split(" apply ")[0].split()
        listed = ["get", "mutatingwebhookconfigurations", "-o", "name"]
        shown = subprocess.run([*kubectl, *listed], capture_output=True, text=True, check=True)
        assert "zz-modelcache" in shown.stdout
    finally:
        subprocess.run([*command, "down", "--name", name], cwd=ROOT, check=True)
    assert not any(process.alive() for process in processes)
    assert not (runs() / name).exists()


@pytest.fixture
def network() -> Iterator[NetworkNamespace]:
    run = Run()
    try:
        yield NetworkNamespace(run)
    finally:
        run.stop()


def test_pods_that_start_and_end_do_not_change_the_address_of_the_bridge(
    network: NetworkNamespace,
) -> None:
    def address() -> str:
        words = network.command(["ip", "-json", "link", "show", BRIDGE])
        (link,) = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
        return str(link["address"])

    before = address()
    lowest = "link add pod address 02:00:00:00:00:01 type veth peer name theirs"
    ip(*network.command([]), lines=[lowest, f"link set pod master {BRIDGE}"])
    assert address() == before
    ip(*network.command([]), lines=["link delete pod"])
    assert address() == before


def test_a_port_whose_pod_has_gone_soon_leads_to_another(network: NetworkNamespace) -> None:
    words = network.command([sys.executable, "-c", CONNECT])
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert 10 < float(done.stdout) < 20, "the first attempt is led to the pod that has gone"
