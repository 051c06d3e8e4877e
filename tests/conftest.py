"""What every test of the core may use; tests/admission/admitting.py does the work."""

import os
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

NODES: Final = "nodes"
GROUPS: Final = {
    "tests/cluster/one_node/": NODES,
    "tests/cluster/two_nodes/": f"{NODES} that are two",
    "tests/cluster/rollouts/": f"{NODES} of a release that changes",
    "tests/cluster/disruptions/": f"{NODES} of a release that is tried",
    "tests/cluster/harness/": "runs",
    "tests/cluster/controllers/": "API servers and controllers",
    "tests/cluster/": "API servers",
}
"""Files that share clusters, by how their names begin; the first that fits counts."""
_NODE_FIXTURES: Final = frozenset({"node_cluster", "two_nodes", "release"})

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
    """Put first what takes the longest, and waits most of the time: the tests that use clusters."""
    for item in items:
        used = not _NODE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
        if used and not _group(item.nodeid).startswith(NODES):
            raise pytest.UsageError(
                f"{item.path} uses nodes: name it in GROUPS of tests/conftest.py"
            )
    first = list(dict.fromkeys(GROUPS.values()))
    items.sort(
        key=lambda item: first.index(_group(item.nodeid)) if _group(item.nodeid) in first else 99
    )


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Function, nextitem: pytest.Item | None) -> None:
    """Stop clusters after the last test that uses them: idle, those with nodes cost half a core.

    pytest ends a fixture of the session with the session alone, so it is asked to here.
    """
    group = _group(item.nodeid)
    if group in GROUPS.values() and nextitem is not None and _group(nextitem.nodeid) != group:
        for name in (*_NODE_FIXTURES, "cluster", "old_cluster"):
            for fixture in item.session._fixturemanager.getfixturedefs(name, item) or ():
                fixture.finish(item._request)  # type: ignore[arg-type]  # it asks for the node alone


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Gives each process whole files, and the files that share a cluster with nodes to one.

    xdist's own groups are lost on pytest 9.2, where the id of a test can't be written any more.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Let processes share the tests."""
    return ByFile(config, log)


def _group(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return next((group for start, group in GROUPS.items() if file.startswith(start)), file)


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are to be written."""
    return bool(request.config.getoption("--update"))
