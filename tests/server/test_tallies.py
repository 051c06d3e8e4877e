"""Tallies and distributions print the same page as counters and histograms of prometheus_client."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from webhook.server.telemetry.tallies import Distribution, Tally

BOUNDS = (0.0005, 0.25, 1, 1024, 1048576)
VALUES = st.one_of(
    st.sampled_from([*BOUNDS, 0]), st.integers(0, 2**22), st.floats(0, 2**22, allow_nan=False)
)


@pytest.fixture(autouse=True)
def at_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock, because samples hold the time of their creation."""
    monkeypatch.setattr("time.time", lambda: 1e9)


def pages(registry: CollectorRegistry) -> tuple[bytes, bytes]:
    return generate_latest(registry), openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]


@given(st.lists(VALUES))
def test_a_distribution_is_a_histogram(values: Sequence[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    distribution = Distribution("a_bytes", "What.", BOUNDS, ours)
    histogram = Histogram("a_bytes", "What.", buckets=BOUNDS, registry=theirs)
    for value in values:
        distribution.observe(value)
        histogram.observe(value)
    assert pages(ours) == pages(theirs)


@given(st.lists(st.tuples(st.sampled_from(["a", 'b"\\\n', "200"]), st.sampled_from(["true", "x"]))))
def test_a_tally_is_a_counter(labels: Sequence[tuple[str, str]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = Tally("a_requests", "What.", ("code", "dry_run"), ours)
    counter = Counter("a_requests", "What.", ("code", "dry_run"), registry=theirs)
    for pair in labels:
        tally.count(*pair)
        counter.labels(*pair).inc()
    assert pages(ours) == pages(theirs)


def test_two_metrics_of_one_name_are_refused() -> None:
    registry = CollectorRegistry()
    Tally("a_requests", "What.", (), registry)
    with pytest.raises(ValueError, match="a_requests"):
        Distribution("a_requests", "What.", BOUNDS, registry)
