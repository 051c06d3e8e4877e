"""The cost of one review, in counts that are the same on all machines: frames, calls, garbage."""

import gc
import logging
import sys
import tracemalloc
from collections.abc import Callable
from itertools import cycle, islice
from types import FrameType
from typing import Any

import pytest

from benchmarks.reviews import bodies
from tests.server.reviews import OPT_IN, Same, pod
from tests.server.reviews import body as review_of
from webhook.server.reviews.reviewer import Reviewer
from webhook.server.telemetry.decisions import Telemetry
from webhook.server.telemetry.log import line_log, open_log

REVIEWS = bodies("5 KB")


def fresh(log: Callable[..., Any] = lambda *_, **__: None) -> Reviewer:
    """Return a reviewer as it is after a start."""
    return Reviewer(Same(), Telemetry(log))


def counted(review: Callable[[bytes], bytes], body: bytes) -> tuple[int, int]:
    """Return the Python frames and the C calls of one review."""
    frames = calls = 0

    def count(_: FrameType, event: str, argument: object) -> None:
        nonlocal frames, calls
        frames += event == "call"
        calls += event == "c_call" and argument is not sys.setprofile

    sys.setprofile(count)
    try:
        answer = review(body)
    finally:
        sys.setprofile(None)
    assert b'"patch":"' in answer
    return frames, calls


def collections() -> int:
    return sum(generation["collections"] for generation in gc.get_stats())


class Nowhere:
    """Replaces webhook.server.telemetry.log_lines.Lines."""

    def add(self, line: bytes) -> None:
        assert b'"decision"' in line


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The server's log, which writes nothing."""
    monkeypatch.setattr("webhook.server.telemetry.log.Lines", Nowhere)
    for name in (None, "uvicorn.error"):
        library = logging.getLogger(name)
        monkeypatch.setattr(library, "handlers", library.handlers)
        monkeypatch.setattr(library, "level", library.level)
    return line_log(open_log("json")[1], "json")


def test_a_kept_decision_costs_few_frames_and_calls() -> None:
    # performance: a hit
    reviewer = fresh()
    for body in REVIEWS:
        reviewer.review_pod(body)
    counts = [counted(reviewer.review_pod, body) for body in REVIEWS]
    assert max(frames for frames, _ in counts) <= 21
    assert max(calls for _, calls in counts) <= 27


def test_a_new_decision_costs_a_bounded_number_of_frames_and_calls() -> None:
    # performance: a miss
    warm = fresh()
    for body in REVIEWS:
        warm.review_pod(body)
    frames, calls = counted(fresh().review_pod, REVIEWS[0])
    assert frames <= 490
    assert calls <= 345


def test_the_line_of_the_log_costs_few_frames_and_calls(log: Callable[..., Any]) -> None:
    # performance: a hit, with its line
    reviewer = fresh(log)
    for body in REVIEWS:
        reviewer.review_pod(body)
    frames, calls = counted(reviewer.review_pod, REVIEWS[0])
    assert frames <= 22
    assert calls <= 29


def test_40_000_reviews_leave_nothing_to_the_garbage_collector(log: Callable[..., Any]) -> None:
    # performance: as the server does it, frozen after the start
    reviewer = fresh(log)
    for body in islice(cycle(REVIEWS), 2000):
        reviewer.review_pod(body)
    gc.collect()
    gc.freeze()
    try:
        before = collections()
        for body in islice(cycle(REVIEWS), 40_000):
            reviewer.review_pod(body)
        assert collections() == before
    finally:
        gc.unfreeze()


@pytest.mark.parametrize(
    ("annotations", "most"), [(OPT_IN, 3 * 2**20), ({}, 100_000)], ids=["asks", "asks for nothing"]
)
def test_2000_different_pods_cost_bounded_memory(annotations: dict[str, str], most: int) -> None:
    # performance: what a server that runs for months sees
    reviewer = fresh()
    sent = pod(annotations)

    def ask(numbers: range) -> None:
        for number in numbers:
            sent["spec"]["containers"][0]["image"] = f"vllm/vllm-openai:{number}"
            reviewer.review_pod(review_of(sent))

    tracemalloc.start()
    try:
        ask(range(20))  # what is made once
        before, _ = tracemalloc.get_traced_memory()
        ask(range(1000, 3000))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < most
