"""A loader is killed on its node: the next one continues, and readers see nothing until it is done.

The next loader notices after a minute of silence; both tests wait for it together.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.cluster.two_nodes.shop import DEADLINE_SECONDS, Shop
from tests.hub.fault import Fault
from tests.kubernetes.api import Object
from tests.kubernetes.ends import ends, reasons
from tests.kubernetes.node import Node
from tests.kubernetes.registration import wait_until
from webhook.models.layout import INCOMING, hub_folder
from webhook.store.verify import faults_of

RATE: Final = 300_000
"""Bytes per second of each file: half of a model is left for ten seconds, in which it is killed."""
ON_ITS_WAY: Final = 2_000_000
"""Bytes in the buffers of connections when a loader ended, which come twice."""
SLOW: Final = Fault(where="cdn", rate=RATE)
EATEN: Final = "killed/by-memory"
STOPPED: Final = "killed/by-node"
EATER: Final = """
import sys
from pathlib import Path
Path(sys.argv[1]).write_text("0")
held = []
while True:
    held.append(bytes(2**20))
"""
"""A program that joins a control group and uses all its memory."""


def loader_of(shop: Shop, job: Object) -> Object:
    """Return the first pod of *job*, once it runs."""
    wait_until(lambda: bool(shop.pods(job)), "there is a pod", 60)
    (pod,) = shop.pods(job)
    return shop.cluster.wait_for(pod, lambda now: now["status"]["phase"] == "Running")


def half_way(shop: Shop, model: str) -> None:
    """Wait until the hub has sent half of *model*; a quarter may be in buffers on the way."""
    wait_until(lambda: shop.arrived(model) > shop.size(model) // 2, "a part is there", 60)


def end_by_memory(shop: Shop, node: Node, pod: Object) -> Object:
    """Use up the memory that the loader of *pod* may have; return the pod once it has ended."""
    group = node.container_cgroup(pod, "load")
    # The kernel would kill the process with the most memory, which is another one.
    for pid in group.processes():
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000")
    tasks = group.memory / "cgroup.procs"
    with subprocess.Popen([sys.executable, "-c", EATER, tasks]) as eater:
        try:
            return shop.cluster.wait_for(pod, lambda now: bool(ends(now, "load")))
        finally:
            eater.kill()


def published(shop: Shop, model: str) -> list[str]:
    found = shop.store.glob(f"{hub_folder(model)}/*")
    return [path.name for path in found if path.is_dir() and not path.is_symlink()]


@pytest.fixture(scope="module")
def killed(shop: Shop) -> dict[str, Object]:
    """Two models whose loaders were killed half-way, and how the pods after that ended."""
    shop.hub.fault(SLOW)
    node = shop.cluster.nodes[0]
    jobs = {}
    for model in (EATEN, STOPPED):
        shop.commit(model)
        (jobs[model],) = shop.render(model, "--kind=job")
        half_way(shop, model)
        pod = loader_of(shop, jobs[model])
        if model == EATEN:
            assert reasons(end_by_memory(shop, node, pod), "load") == ["OOMKilled"]
        else:
            node.power_off()
            assert published(shop, EATEN) == published(shop, STOPPED) == []
            node.power_on()
    shop.hub.heal()
    return jobs


@pytest.mark.timeout(DEADLINE_SECONDS)
@pytest.mark.parametrize("model", [EATEN, STOPPED])
def test_the_next_loader_continues_where_one_was_killed(
    shop: Shop, killed: dict[str, Object], model: str
) -> None:
    # Fault rows of the store: OOM killer, a node that stops
    pod = shop.completed(killed[model])
    (end,) = ends(pod, "load")
    size, fetched = (int(word) for word in end["message"].split() if word.isdigit())
    assert size == shop.size(model)
    assert 0 < fetched < size * 3 // 4
    # Only what was in the buffers of connections when a loader ended is downloaded twice.
    assert shop.arrived(model) < size + ON_ITS_WAY
    (commit,) = published(shop, model)
    assert not list(faults_of(shop.store / hub_folder(model) / commit, full=True))
    left = shop.store.glob(f"{INCOMING}/*/*.json")
    assert not [path for path in left if hub_folder(model) in path.read_text()]
