"""Options of pytest, profiles of Hypothesis, and which tests run in which process."""

import gc
import os
import signal
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

CLUSTERS: Final = "tests/cluster/"
WITH_NODES: Final = tuple(
    f"{CLUSTERS}{name}"
    for name in (
        "one_node",
        "rollouts",
        "disruptions",
        "two_nodes",
        "disruptions/api_server_away",
        "harness",
    )
)
"""The folders whose clusters have nodes: those that take the longest come first."""
LONGEST: Final = (
    *WITH_NODES,
    f"{CLUSTERS}large_cluster",
    f"{CLUSTERS}controllers",
    f"{CLUSTERS}api_servers/admission_policy",
    f"{CLUSTERS}custom_resources",
    "tests/loading/test_offline_readers.py",
    f"{CLUSTERS}api_servers",
    f"{CLUSTERS}api_servers/doctor",
    f"{CLUSTERS}api_servers/chart",
    f"{CLUSTERS}without_server",
    "tests/loading/test_oci.py",
    f"{CLUSTERS}rule_policies",
    "tests/test_quality.py",
    "tests/admission/test_properties.py",
)
"""What takes the longest, and so comes first: folders of clusters, and files of other tests."""
PROCESS_BYTES: Final = 700 << 20
"""Memory for a process of pytest and the servers that its tests start."""
PLANE_BYTES: Final = 3 << 29
"""Memory for a process of pytest and two control planes."""
CLUSTER_BYTES: Final = 3 << 30
"""Memory for a process of pytest and a cluster with two nodes."""

# Garbage is collected less often. With the thresholds of Python the collections take a fifth of the
# time of tests that make many objects, such as those of Hypothesis.
gc.set_threshold(50_000, 20, 50)

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
    # A shell lets its background jobs ignore SIGINT, and so would the programs that tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--update") and os.environ.get("CI"):
        raise pytest.UsageError("--update is for people: on CI it would agree with any fault")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use clusters. Start first what takes the longest."""
    for item in items:
        if item.nodeid.startswith(CLUSTERS):
            item.add_marker("programs")
    items.sort(key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    unit = _unit(nodeid)
    return LONGEST.index(unit) if unit in LONGEST else len(LONGEST)


def _unit(nodeid: str) -> str:
    """Return the file of a test; below tests/cluster/ its folder, whose tests share a cluster."""
    file = nodeid.partition("::")[0]
    return file.rpartition("/")[0] if file.startswith(CLUSTERS) else file


class ByCluster(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Gives each process whole files, and whole folders of tests/cluster/: their tests share one.

    Some processes get no folder whose cluster has nodes, see cluster_processes(). xdist's own
    groups do not work on pytest 9.2, where the id of a test can't be changed any more.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node in self.nodes[cluster_processes() :]:
            unit = next((unit for unit in self.workqueue if unit not in WITH_NODES), None)
            if unit is None:
                node.shutdown()
                return
            self.workqueue.move_to_end(unit, last=False)
        super()._assign_work_unit(node)

    def _split_scope(self, nodeid: str) -> str:
        return _unit(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByCluster:
    """Distribute the tests to processes."""
    return ByCluster(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes `--numprocesses auto` starts, if there is memory for them.

    Tests wait about half of the time or longer, so each core gets three of them.
    """
    most, room = 3 * _cores(), _available_bytes()
    if config.option.markexpr != "programs":
        return max(1, min(most, room // PROCESS_BYTES))
    with_nodes = cluster_processes()
    if (left := room - with_nodes * CLUSTER_BYTES) < 0:
        return int(max(1, room // CLUSTER_BYTES))
    return int(min(most, with_nodes + left // PLANE_BYTES))


def cluster_processes() -> int:
    """Return how many processes may have clusters with nodes: one and a half for each core.

    With two for each core, two cores had a load of 16, and servers did not answer within the seconds
    that an API server waits for them.
    """
    return max(1, _cores() + _cores() // 2)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _available_bytes() -> int:
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) << 10


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether to write the expected files."""
    return bool(request.config.getoption("--update"))
