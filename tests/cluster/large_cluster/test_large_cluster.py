"""The webhook watches a cluster with thousands of objects that change, and a policy that turns.

This is the short form of `make soak-facts`: two minutes in place of an hour.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from benchmarks.facts.changes import Verdicts, churn, turning
from benchmarks.facts.population import populate
from benchmarks.facts.watched import (
    WITH,
    WITHOUT,
    certificate,
    live,
    memory,
    ready,
    register,
)
from benchmarks.load import Result, Visit
from benchmarks.measures import ask
from benchmarks.reviews import SIZES, bodies
from benchmarks.servers import running
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.custom_resources import define

CLAIMS, NODES, MODELS = 10_000, 5_000, 2_000
EVENTS, REVIEWS = 50.0, 200.0
"""Changes and reviews in a second."""
SECONDS = 120.0
CREATIONS = 600
SERVER_MIB = 15.0
"""How much larger a server may be for what it knows."""
CONTROLLER_MIB = 100.0


@dataclass(frozen=True)
class Passed:
    """What was measured."""

    result: Result
    changes: int
    facts: list[float]
    """For each kind, whether it was live at the end."""
    verdicts: Verdicts
    without: list[float]
    """Memory of the server without facts, in MiB."""
    watching: list[float]
    """Memory of the server with facts and of its controller, in MiB."""


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passed]:
    folder = tmp_path_factory.mktemp("servers")
    authority = certificate(folder)
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        plane = ControlPlane(Options(controller_manager=False))
        stack.callback(plane.stop)
        define(plane)
        populate(plane.api, claims=CLAIMS, nodes=NODES, models=MODELS)
        patch.setenv("KUBECONFIG", str(plane.kubeconfig))
        without, watching = (stack.enter_context(running(kind, folder)) for kind in (WITHOUT, WITH))
        for server in (without, watching):
            ready(server)
            server.first_answer(bodies(SIZES[0])[0])
        with churn(plane.api, EVENTS, CLAIMS, NODES) as made:
            result = ask(
                Visit(
                    watching.port, watching.pids[:1], connections=8, rate=REVIEWS, seconds=SECONDS
                )
            )
        pod = register(plane, watching, authority)
        verdicts = turning(plane.api, pod, creations=CREATIONS, rate=50.0, period=2.0)
        yield Passed(result, made[0], live(watching), verdicts, memory(without), memory(watching))


def test_reviews_go_on_while_the_cluster_changes(passed: Passed) -> None:
    # A machine that runs other tests makes fewer of them in a second.
    assert passed.changes > EVENTS * SECONDS / 10
    assert passed.result.answered > REVIEWS * SECONDS / 10
    assert not passed.result.wrong
    assert passed.facts == [1.0] * 5


def test_decisions_follow_a_policy_that_turns(passed: Passed) -> None:
    assert len(passed.verdicts.made) == CREATIONS
    assert {refused for *_, refused in passed.verdicts.made} == {True, False}
    assert len(passed.verdicts.turned) > 3
    # One second is the promise; a machine that runs other tests may be later.
    assert passed.verdicts.stale(10.0) == 0


def test_what_is_known_takes_little_memory(passed: Passed) -> None:
    (without,), (server, controller) = passed.without, passed.watching
    assert server - without < SERVER_MIB
    assert controller < CONTROLLER_MIB
