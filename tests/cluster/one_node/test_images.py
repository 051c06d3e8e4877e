"""Images from archives run on real nodes as those of a registry do: by name and by digest."""

from pathlib import Path
from typing import Any

import pytest

from tests.images import archives, model_image
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.registration import NamespaceFactory
from tests.store import models

VLLM = "vllm/vllm-openai:v0.6.4"
MiB = 2**20


@pytest.fixture(scope="module")
def loaded(node_cluster: Cluster) -> Cluster:
    """A cluster whose node has the tests' images; the server also has the name of a known one."""
    (node,) = node_cluster.nodes
    node.load(archives.INFERENCE_SERVER.path(VLLM))
    node.load(archives.MODELCACHE.path())
    return node_cluster


@pytest.fixture
def model(loaded: Cluster, tmp_path: Path) -> tuple[Path, Object]:
    """A model, and the volume of an image that holds it."""
    published = models.publish(tmp_path, "org/tiny", 2 * MiB)
    archive = tmp_path / "model.tar"
    reference = model_image.write(archive, published, "registry.example/models/tiny")
    loaded.nodes[0].load(archive)
    image = {"reference": reference, "pullPolicy": "IfNotPresent"}
    return published, {"name": "model", "image": image}


def serving(namespace: str, volume: Object, **container: Any) -> Object:
    server = {
        "name": "server",
        "image": VLLM,
        "args": ["serve", "/models/tiny", "--served-model-name=org/tiny"],
        "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1},
        "volumeMounts": [{"name": "model", "mountPath": "/models/tiny", "readOnly": True}],
        **container,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "p-", "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [server],
            "volumes": [volume],
        },
    }


def proxied(cluster: Cluster, pod: Object, path: str) -> Any:
    """Return what the server of *pod* answers, through the API server."""
    meta = pod["metadata"]
    where = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}:8000/proxy{path}"
    return cluster.api.request("GET", where).expect(200).body


def test_a_server_reads_a_model_from_an_image_volume_by_digest_without_a_registry(
    loaded: Cluster, namespace: NamespaceFactory, model: tuple[Path, Object]
) -> None:
    published, volume = model
    asked = serving(namespace(on=loaded.plane), volume)
    pod = loaded.ready(loaded.api.create(asked).expect(201).body)
    (found,) = proxied(loaded, pod, "/report")["models"]
    assert found["manifest"] == "agrees"
    assert set(found["files"]) == {path.name for path in published.iterdir()}
    assert found["bytes"] > 2 * MiB
    assert found["writeError"] == "Read-only file system"
    assert proxied(loaded, pod, "/v1/models")["data"][0]["id"] == "org/tiny"
    assert loaded.node_of(pod).mounts(pod, "server")["/models/tiny"][2] == "overlay"


def test_a_server_that_takes_more_than_its_limit_is_killed(
    loaded: Cluster, namespace: NamespaceFactory, model: tuple[Path, Object]
) -> None:
    limit = {"limits": {"memory": "64Mi"}}
    for size, ends in ((16 * MiB, False), (96 * MiB, True)):
        env = [{"name": "ALLOCATE", "value": str(size)}]
        asked = serving(namespace(on=loaded.plane), model[1], resources=limit, env=env)
        pod = loaded.api.create(asked).expect(201).body
        if not ends:
            report = proxied(loaded, loaded.ready(pod), "/report")
            assert (report["allocated"], report["memoryLimit"]) == (size, 64 * MiB)
        else:
            (status,) = loaded.ended(pod)["status"]["containerStatuses"]
            state = status["state"]["terminated"]
            assert (state["reason"], state["exitCode"]) == ("OOMKilled", 137)


def test_the_status_of_a_pod_says_why_its_server_does_not_start(
    loaded: Cluster, namespace: NamespaceFactory, model: tuple[Path, Object]
) -> None:
    asked = serving(namespace(on=loaded.plane), model[1], args=["serve", "org/tiny"])
    ended = loaded.ended(loaded.api.create(asked).expect(201).body)
    (status,) = ended["status"]["containerStatuses"]
    state = status["state"]["terminated"]
    assert (state["exitCode"], state["message"]) == (1, "org/tiny: is not a directory")


def test_our_image_runs_as_nobody_and_not_in_the_group_of_root(
    loaded: Cluster, namespace: NamespaceFactory, model: tuple[Path, Object]
) -> None:
    image = archives.MODELCACHE.reference
    secure = {"runAsNonRoot": True, "readOnlyRootFilesystem": True}
    asked = serving(
        namespace(on=loaded.plane), model[1], image=image, securityContext=secure,
        args=["verify", "/models/tiny"],
    )  # fmt: skip
    ended = loaded.ended(loaded.api.create(asked).expect(201).body)
    (status,) = ended["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 0
    assert status["user"]["linux"] == {"uid": 65532, "gid": 65532, "supplementalGroups": [65532]}
