"""The limits that a kubelet sets for a whole pod, without and with injection.

In Mi: a model of 240, a server of 64, which becomes 320, and a loader of 768. Seen in kubelet 1.37.2:
one container without a limit leaves the pod without one, even an init container that ends. A sidecar
with a limit before it does not change that.
"""

import dataclasses
from collections.abc import Iterator
from typing import Final

import pytest

from tests.cluster.one_node.lone_pod import lone_pod
from tests.cluster.one_node.memory_table import SERVER, SIDECAR, asleep, resources
from tests.cluster.one_node.pages import PAGE, publish
from tests.kubernetes.api import Answer, Object
from tests.kubernetes.cluster import Cluster, condition
from tests.kubernetes.registration import create_namespace

Mi: Final = 1 << 20
UNBOUNDED: Final = "MC104"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A pod, and the limit of its group."""

    neighbours: tuple[Object, ...] = ()
    init: tuple[Object, ...] = ()
    level: Object | None = None
    without_us: int | None
    with_us: int | None


CASES: Final = {
    "alone": Case(without_us=64, with_us=768),
    "init container without limit": Case(
        init=(asleep("first", None, None),), without_us=None, with_us=None
    ),
    "init container": Case(init=(asleep("first", None, "96Mi"),), without_us=96, with_us=768),
    "sidecar without limit": Case(
        init=(asleep("mesh", None, None, **SIDECAR),), without_us=None, with_us=None
    ),
    "sidecar, then an init container without limit": Case(
        init=(asleep("mesh", None, "16Mi", **SIDECAR), asleep("first", None, None)),
        without_us=None,
        with_us=None,
    ),
    "container without limit": Case(
        neighbours=(asleep("proxy", None, None),), without_us=None, with_us=None
    ),
    "pod level": Case(level=resources("80Mi", "80Mi"), without_us=80, with_us=336),
}


def asked(case: Case, namespace: str, annotations: dict[str, str]) -> Object:
    server = asleep(SERVER, None, None if case.level else "64Mi")
    more: Object = {"initContainers": [*case.init]} if case.init else {}
    if case.level:
        more["resources"] = case.level
    return lone_pod(namespace, annotations, server, *case.neighbours, **more)


@pytest.fixture(scope="module")
def created(serving_cluster: Cluster) -> Iterator[dict[tuple[str, bool], Answer]]:
    """Both pods of each case, started together: what the API server answered."""
    plane, (node,) = serving_cluster.plane, serving_cluster.nodes
    namespace = create_namespace(plane, "pod-limits")
    model = publish(node, "acme/pages", 2 * PAGE)
    ours = {"model": model, "strategy": "emptyDir", "load-from": "node"}
    ours |= {"size": "240Mi", "shm-size": "0"}
    yield {
        (name, with_us): plane.api.create(asked(case, namespace, ours if with_us else {}))
        for name, case in CASES.items()
        for with_us in (False, True)
    }
    plane.api.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})


@pytest.mark.parametrize("with_us", [False, True], ids=["without us", "with us"])
@pytest.mark.parametrize("name", CASES)
def test_the_kubelet_bounds_a_pod(
    name: str,
    with_us: bool,
    created: dict[tuple[str, bool], Answer],
    serving_cluster: Cluster,
) -> None:
    answer = created[name, with_us].expect(201)
    expected = CASES[name].with_us if with_us else CASES[name].without_us
    pod = serving_cluster.wait_for(
        answer.body, lambda now: condition(now, "PodReadyToStartContainers") == "True", 250
    )
    limit = serving_cluster.node_of(pod).pod_cgroup(pod).limit()
    assert limit == (expected and expected * Mi)
    if with_us:
        assert any(UNBOUNDED in text for text in answer.warnings) == (expected is None)
