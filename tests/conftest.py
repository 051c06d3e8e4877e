"""What every test of the core may use; tests/admitting.py does the work."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.admitting import Webhook

settings.register_profile(
    "modelcache", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("ci", settings.get_profile("modelcache"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "modelcache")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update",
        action="store_true",
        help="write what the webhook does now into the expected files of tests/cases",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update") and os.environ.get("CI"):
        raise pytest.UsageError("--update is for people: on CI it would agree with any fault")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let processes share the tests: a file stays in one, and all that use the same nodes do.

    Those go first that take the longest and wait most of the time.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: not (_uses_nodes(item) or _is_of_release(item)))


def _group(item: pytest.Item) -> str:
    if _uses_nodes(item):
        return "nodes"
    return "release" if _is_of_release(item) else str(item.path)


def _is_of_release(item: pytest.Item) -> bool:
    """Whether it uses the cluster with a release of the chart, a second one with nodes."""
    return "release" in getattr(item, "fixturenames", ())


def _uses_nodes(item: pytest.Item) -> bool:
    return not {"node_cluster", "two_nodes"}.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are to be written."""
    return bool(request.config.getoption("--update"))


@pytest.fixture
def webhook() -> Webhook:
    """A server that knows its version and nothing else of the cluster."""
    return Webhook()
