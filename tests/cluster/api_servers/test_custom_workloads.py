"""Annotations of custom resources reach their pods, and tools that apply again change nothing."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.cluster.api_servers.applying import DIFFS, TOOLS, kubectl, read
from tests.cluster.api_servers.custom_objects import (
    ASKED,
    ROWS,
    custom,
    definitions,
    judged,
    of_pods,
    put,
)
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.custom_resources import served
from tests.kubernetes.inference_pods import PREFIX
from tests.kubernetes.registration import NamespaceFactory
from tests.kubernetes.server import Webhook
from webhook.objects.workload import steps

CHANGING: Final = [
    name for name, row in ROWS.items() if row.kind in ("Rollout", "LeaderWorkerSet", "RayCluster")
]


@pytest.fixture(scope="module", autouse=True)
def known(cluster: ControlPlane) -> Iterator[None]:
    with served(cluster, definitions()):
        yield


@pytest.mark.parametrize("name", ROWS)
def test_annotations_reach_every_part_that_describes_pods(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, name: str
) -> None:
    row = ROWS[name]
    obj = custom(row, namespace(), ASKED)
    answer = cluster.api.create(obj, dry_run=True).expect(201)
    found = of_pods(row, answer.body)
    assert found == [ASKED] * len(found)
    assert len(found) >= len({place.at for place in judged(row)})
    assert any(line.startswith("MC108 metadata: copied") for line in answer.warnings)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", CHANGING)
def test_a_tool_that_applies_again_changes_nothing(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, name: str, tool: str
) -> None:
    row, where = ROWS[name], namespace()
    obj = custom(row, where, ASKED)
    kubectl(cluster, TOOLS["kubectl apply" if tool == "kubectl replace" else tool], obj)
    first = read(cluster, obj)
    kubectl(cluster, TOOLS[tool], obj)
    again = read(cluster, obj)
    assert again["metadata"]["generation"] == first["metadata"]["generation"]
    assert again["spec"] == first["spec"]
    for words in DIFFS:
        kubectl(cluster, words, obj)  # its exit status says whether there is a difference
    changed = custom(row, where, {**ASKED, f"{PREFIX}model": "mistral-7b-instruct"})
    kubectl(cluster, TOOLS[tool], changed)
    found = of_pods(row, read(cluster, obj))
    assert found == [changed["metadata"]["annotations"]] * len(found)


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool != "kubectl replace"])
@pytest.mark.parametrize("name", CHANGING)
def test_removed_annotations_leave_nothing_and_moved_ones_stay(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, name: str, tool: str
) -> None:
    row, where = ROWS[name], namespace()
    obj = custom(row, where, ASKED)
    kubectl(cluster, TOOLS[tool], obj)
    moved = custom(row, where, {})
    put(moved, steps(row.places[-1].at + row.places[-1].annotations), ASKED)
    kubectl(cluster, TOOLS[tool], moved)
    *others, last = of_pods(row, read(cluster, obj))
    assert (others, last) == ([{}] * len(others), ASKED)
    bare = custom(row, where, {})
    kubectl(cluster, TOOLS[tool], bare)
    found = of_pods(row, read(cluster, obj))
    assert found == [{}] * len(found)
    assert f"{PREFIX}copied-keys" not in str(read(cluster, obj))


def test_the_pods_of_an_existing_jobset_can_not_get_an_annotation(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory
) -> None:
    row, where = ROWS["jobset.x-k8s.io/JobSet"], namespace()
    cluster.api.create(custom(row, where, {})).expect(201)
    answer = cluster.api.merge(
        custom(row, where, {}), {"metadata": {"annotations": ASKED}}
    ).expect()
    assert [line.split()[0] for line in answer.warnings] == ["MC123", "MC123"]
    assert of_pods(row, answer.body) == [{}]
