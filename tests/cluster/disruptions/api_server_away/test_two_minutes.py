"""Two minutes without an API server: reviews continue, connections hold, certificates are renewed.

Callers in the cluster's network send the reviews: 50 a second, over connections that last five
seconds, and over 415 connections that are used again after they have been idle. All tests look at
the same two minutes, which are also the short form of `make soak`.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kubernetes import helm
from tests.kubernetes.callers import callers, get
from tests.kubernetes.calling import Met
from tests.kubernetes.creations import asking, creations
from tests.kubernetes.registration import create_namespace, wait_until
from tests.kubernetes.release import Release
from tests.kubernetes.soak import MOST_GROWTH, RATE, WARM_SECONDS, Samples, sampled, values

AWAY_SECONDS = 120.0
CALLS = 300
IDLE = [(5.0, 15, 20), (30.0, 100, 3), (89.0, 300, 1)]
"""Seconds of idleness, connections, and how often each is used after that: three times 300 calls."""


@dataclasses.dataclass(frozen=True)
class Passed:
    """What was measured in the two minutes, and afterwards."""

    met: Met
    samples: Samples
    said: list[dict[str, Any]]
    """The answer of /readyz of each replica, after a minute."""
    recovered: float
    """Seconds from the API server's readiness to the first pod that got its model."""


@pytest.fixture(scope="module")
def passed(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passed]:
    folder = tmp_path_factory.mktemp("callers")
    release.change("install", values(authority="1h"))
    release.installed.wait_until_strict()
    pod = asking(create_namespace(release.cluster.plane, "two-minutes"))
    replicas = release.installed.replicas()
    with callers(release, folder, rate=RATE, idle=IDLE) as met:
        time.sleep(WARM_SECONDS)
        with sampled(release) as samples, release.cluster.plane.without_api_server():
            time.sleep(AWAY_SECONDS / 2)
            urls = [f"http://{replica['status']['podIP']}:8080/readyz" for replica in replicas]
            said = [json.loads(get(release, url)) for url in urls]
            time.sleep(AWAY_SECONDS / 2)
        began = time.monotonic()
        with creations(release.cluster.api, pod, 20) as found:
            wait_until(lambda: found.injected > 0, "a pod gets its model", 60)
            recovered = time.monotonic() - began
    yield Passed(met, samples, said, recovered)
    release.helm("uninstall", helm.RELEASE, "--wait")


def test_no_review_fails_while_the_api_server_is_away(passed: Passed) -> None:
    # P1 67
    # Callers that share the processors with other tests may send fewer than 50 a second.
    assert passed.met.answered["steady"] > RATE * AWAY_SECONDS / 2
    assert not passed.met.faults


@pytest.mark.parametrize("seconds", [idle for idle, _, _ in IDLE])
def test_a_connection_that_was_idle_is_used_again(passed: Passed, seconds: float) -> None:
    # P1 46
    assert passed.met.answered[f"after {seconds:g} s"] == CALLS


def test_replicas_stay_ready_and_say_what_is_wrong(passed: Passed) -> None:
    # P1 67, P1 87
    assert len(passed.said) == 2
    for said in passed.said:
        assert said["ready"]
        assert set(said["concerns"]) == {"api-server"}


def test_memory_descriptors_threads_and_tasks_do_not_grow(passed: Passed) -> None:
    # P2 93
    samples = passed.samples
    assert len(samples.taken) == 4, "a server and a controller of each replica"
    assert all(len(taken) > 12 for taken in samples.taken.values())
    assert not samples.grown(MOST_GROWTH)
    for name, taken in samples.taken.items():
        # The idle connections are closed in the course of it.
        for field in set(taken[0]) - {"memory"}:
            assert samples.growth(name, field) <= 0, (name, field)


def test_all_is_as_before_when_the_api_server_is_back(
    release: Release, passed: Passed, record_property: Callable[[str, object], None]
) -> None:
    # P1 67, c40
    record_property("recovered after", round(passed.recovered, 2))
    up = r"modelcache_controller_up"
    wait_until(lambda: release.metric(up) == [1, 1], "both controllers reach it", 60)
    assert release.installed.restarts() == [0, 0]
    renewed = release.metric(r'modelcache_certificate_reloads_total\{result="ok"\}')
    assert all(number >= 3 for number in renewed), "one at the start, and one a minute"
    assert release.metric("modelcache_controller_restarts_total") == [0, 0]
