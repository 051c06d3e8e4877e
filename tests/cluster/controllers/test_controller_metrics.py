"""What a replica's metrics say about its controller."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.cluster.controllers.place import Place
from tests.kubernetes.registration import wait_until
from tests.server.harness import HOST, ROOT, samples

AUTHORITIES = "modelcache_ca_bundle_authorities"
CONCERNS = "modelcache_concerns"
ENDS = "modelcache_certificate_not_after_timestamp_seconds"
TOPICS = {"api-server", "certificates", "enforcement", "facts", "policy", "registration"}


class Replica:
    """`modelcache serve --self-signed` with the rights of an administrator."""

    def __init__(self, place: Place) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "webhook", "serve", "--self-signed", "--settle", "1h",
                "--authority-secret", "authorities", "--configuration", place.configuration,
                "--own-namespace", place.namespace, "--host", HOST, "--port", "0",
                "--health-port", "0", "--shutdown-delay", "0",
            ],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "KUBECONFIG": str(place.plane.kubeconfig)},
        )  # fmt: skip
        assert self.process.stderr
        serving = next(line for line in self.process.stderr if '"serving"' in line)
        self._port = json.loads(serving)["health_port"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.communicate(timeout=20)

    def children(self) -> list[int]:
        """Return the processes that it has started."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return [int(word) for task in tasks for word in (task / "children").read_text().split()]

    def metrics(self, name: str) -> dict[str, float]:
        """Return the samples of a metric with one label or none, by the value of that label."""
        client = http.client.HTTPConnection(HOST, self._port, timeout=20)
        with contextlib.closing(client):
            client.request("GET", "/metrics")
            text = client.getresponse().read().decode()
        return {
            "".join(labels.values()): value
            for sample, labels, value in samples(text)
            if sample == name
        }


@pytest.fixture
def replica(place: Place) -> Iterator[Replica]:
    place.register()
    with Replica(place) as found:
        wait_until(lambda: found.metrics("modelcache_ready") == {"": 1}, "ready", 60)
        yield found


def test_a_new_authority_is_counted_until_it_signs(replica: Replica, place: Place) -> None:
    assert replica.metrics(AUTHORITIES) == {"": 1}
    assert set(replica.metrics(ENDS)) == {"leaf", "authority"}
    place.plane.api.delete(place.secret()).expect()
    wait_until(lambda: replica.metrics(AUTHORITIES) == {"": 2}, "overlap")
    ends = replica.metrics(ENDS)
    assert ends["leaf"] < ends["authority"] <= ends["upcoming"]
    place.plane.api.merge(place.secret(), {"data": {"next.crt": None, "next.key": None}}).expect()
    wait_until(lambda: replica.metrics(AUTHORITIES) == {"": 1}, "one again")
    assert set(replica.metrics(ENDS)) == {"leaf", "authority"}


def test_each_topic_is_a_series_that_says_whether_there_is_a_concern(
    replica: Replica, place: Place
) -> None:
    assert replica.metrics(CONCERNS) == dict.fromkeys(TOPICS, 0)
    place.plane.api.delete(place.registered()).expect()
    wait_until(lambda: replica.metrics(CONCERNS)["registration"] == 1, "reported")
    assert replica.metrics(CONCERNS) == dict.fromkeys(TOPICS, 0) | {"registration": 1}


def test_the_controller_is_measured_as_a_process_of_its_own(replica: Replica) -> None:
    memory = "process_resident_memory_bytes"
    assert replica.metrics(f"modelcache_controller_{memory}")[""] > 2**20
    assert replica.metrics(memory)[""] > 2**20
    (child,) = replica.children()
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: replica.children() not in ([], [child]), "another process")
    wait_until(lambda: replica.metrics(f"modelcache_controller_{memory}") != {}, "measured")
    ours, theirs = (
        replica.metrics(f"{name}process_start_time_seconds")[""]
        for name in ("", "modelcache_controller_")
    )
    assert ours < theirs
