"""The objects of `render` in real API servers: every field is known, and Pod Security's verdict."""

from typing import Final

import pytest
import yaml

from tests.cli.command import modelcache
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory
from tests.kubernetes.server import Webhook

ENFORCE: Final = "pod-security.kubernetes.io/enforce"
EVERYTHING: Final = (
    "phi-2", "mistral-7b-instruct", "--storage-class=nfs", "--token-secret=hub/key",
    "--env=HTTPS_PROXY=http://proxy.example:3128",
)  # fmt: skip
NODES: Final = {
    "from the source": ("--node-selector=gpu=", "--token-secret=hub"),
    "from the claim": ("--claim=model-store", "--stagger=0s"),
}


def rendered(where: str, *arguments: str) -> list[Object]:
    ran = modelcache("render", "--namespace", where, *arguments)
    assert not ran.status, ran.err
    return list(yaml.safe_load_all(ran.out))


def pod_of(obj: Object) -> Object:
    """Return the pod that the controller of *obj* would create."""
    template = obj["spec"]["template"]
    spec = {"restartPolicy": "Always", **template["spec"]}
    metadata = {
        "generateName": "p-",
        "namespace": obj["metadata"]["namespace"],
        "labels": template["metadata"]["labels"],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def admit(plane: ControlPlane, objects: list[Object]) -> None:
    for obj in objects:
        answer = plane.api.create(obj, dry_run=True, fieldValidation="Strict").expect(201)
        assert not answer.warnings, obj["kind"]


@pytest.mark.parametrize("arguments", [("acme/m", "--size=1Gi"), EVERYTHING], ids=len)
def test_pod_security_restricted_admits_claim_and_job_and_nobody_warns(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, arguments: tuple[str, ...]
) -> None:
    objects = rendered(namespace({ENFORCE: "restricted"}), *arguments)
    admit(cluster, objects)
    admit(cluster, [pod_of(obj) for obj in objects if obj["kind"] == "Job"])


@pytest.mark.parametrize("arguments", NODES.values(), ids=NODES)
def test_a_privileged_namespace_admits_the_node_cache(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, arguments: tuple[str, ...]
) -> None:
    where = namespace({ENFORCE: "privileged"})
    (found,) = rendered(where, "phi-2", "--kind=daemonset", *arguments)
    admit(cluster, [found, pod_of(found)])


def test_an_older_server_admits_all_of_it(
    old_cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    where = namespace(on=old_cluster)
    kinds = ("--kind=pvc", "--kind=job", "--kind=daemonset")
    objects = rendered(where, *EVERYTHING, *kinds)
    assert [obj["kind"] for obj in objects] == [
        "PersistentVolumeClaim", "Job", "Job", "DaemonSet", "DaemonSet",
    ]  # fmt: skip
    admit(old_cluster, objects)


REFUSED: Final = {
    "baseline": 'hostPath volumes (volume "cache")',
    "restricted": (
        'unrestricted capabilities (container "prepare" must not include "CHOWN" in '
        'securityContext.capabilities.add), restricted volume types (volume "cache" uses '
        'restricted volume type "hostPath"), runAsNonRoot != true (container "prepare" must not '
        'set securityContext.runAsNonRoot=false), runAsUser=0 (container "prepare" must not set '
        "runAsUser=0)"
    ),
}


@pytest.mark.parametrize("level", REFUSED)
def test_only_the_directory_and_owner_of_a_node_cache_are_privileged(
    cluster: ControlPlane, namespace: NamespaceFactory, level: str
) -> None:
    (found,) = rendered(namespace({ENFORCE: level}), "phi-2", "--kind=daemonset")
    answer = cluster.api.create(pod_of(found), dry_run=True).expect(403)
    assert answer.message.endswith(f'violates PodSecurity "{level}:latest": {REFUSED[level]}')
