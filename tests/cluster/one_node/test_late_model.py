"""A webhook that watches the cluster admits pods whose claim and model come after them."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.custom_resources import ours, served
from tests.kubernetes.inference_pods import (
    ask,
    container,
    created,
    deleted_at_end,
    deployment,
    events,
    files_of,
    pods_of,
)
from tests.kubernetes.local_volume import bind
from tests.kubernetes.registration import create_namespace
from tests.kubernetes.server import serve
from tests.store import models

NAMED: Final = "a model by its name"
CATALOGUED: Final = "a CachedModel that is still loading"
ANNOTATIONS: Final = {
    NAMED: {"model": f"example/model@{models.COMMIT}", "claim": "named"},
    CATALOGUED: {"model": "late", "claim": "catalogued"},
}
REPLICAS: Final = 2


@pytest.fixture(scope="module")
def watched_cluster(serving_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with our kinds, a CachedModel, and a webhook that watches them."""
    plane = serving_cluster.plane
    with served(plane, ours()):
        plane.api.create(cached_model()).expect(201)
        server = serve(plane, "--facts")
        yield serving_cluster
        server.stop()


def cached_model() -> Object:
    return {
        "apiVersion": "modelcache.io/v1alpha1",
        "kind": "CachedModel",
        "metadata": {"name": "late"},
        "spec": {"source": f"hf://example/model@{models.COMMIT}"},
    }


@contextlib.contextmanager
def waiting(
    cluster: Cluster, namespace: str, annotations: Mapping[str, str]
) -> Iterator[tuple[Object, list[Object]]]:
    """Yield a Deployment without a model, and its pods once they are there."""
    server = container(request="32Mi", limit="64Mi")
    asked = {"shm-size": "0", **annotations}
    workload = deployment(namespace, asked, server, replicas=REPLICAS)
    with deleted_at_end(cluster, [workload]):
        yield workload, created(cluster, workload)


@pytest.mark.parametrize("case", ANNOTATIONS)
def test_pods_are_admitted_first_and_start_once_claim_and_model_come(
    watched_cluster: Cluster, case: str
) -> None:
    cluster, asked = watched_cluster, ANNOTATIONS[case]
    namespace = f"late-{os.getpid()}-{asked['claim']}"
    create_namespace(cluster.plane, namespace)
    with waiting(cluster, namespace, asked) as (workload, pods):
        store = bind(cluster, cluster.nodes[0], namespace, asked["claim"])
        published = models.publish(store, "example/model")
        started = [cluster.ready(pod, 150) for pod in pods]
        assert not [event for event in events(cluster, workload) if "FailedCreate" in event]
        # A refused pod would have been replaced by another one.
        assert {pod["metadata"]["uid"] for pod in pods_of(cluster, workload)} == {
            pod["metadata"]["uid"] for pod in pods
        }
        for pod in started:
            (model,) = ask(cluster, pod, "/report")["models"]
            assert model["files"] == files_of(published)
