"""The messages of Pod Security about injected pods, word for word, because people search for them.

Pod Security checks the injected pod. So the author of a Deployment sees no message after apply: it
is in the Events of the ReplicaSet.
"""

from typing import Final

import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.inference_pods import container, deployment
from tests.kubernetes.registration import NamespaceFactory, wait_until
from tests.kubernetes.server import Webhook

ENFORCE: Final = "pod-security.kubernetes.io/enforce"
WARN: Final = "pod-security.kubernetes.io/warn"
ASKED: Final = {"model": "acme/base", "strategy": "hostPath", "shm-size": "8Mi"}
READS: Final = ["--model=$(MODELCACHE_PATH)"]
"""The arguments of a server that reads its model: nothing about that is warned of."""
COPIED: Final = (
    "MC108 metadata: copied modelcache.io/model, modelcache.io/shm-size, modelcache.io/strategy "
    "into the pod template"
)
HOST_PATH: Final = {
    "baseline": 'hostPath volumes (volume "modelcache-model")',
    "restricted": (
        'restricted volume types (volume "modelcache-model" uses restricted volume type "hostPath")'
    ),
}


def unprivileged() -> Object:
    """Return a container in which `restricted` finds no other fault."""
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return container(args=READS, securityContext=security)


@pytest.mark.parametrize("level", HOST_PATH)
def test_a_directory_of_the_node_is_refused_in_these_words(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, level: str
) -> None:
    where = namespace({ENFORCE: level})
    asked = deployment(where, ASKED, unprivileged())
    assert cluster.api.create(asked).expect(201).warnings == (COPIED,)
    said: list[str] = []

    def refused() -> bool:
        events = cluster.api.list("v1", "Event", where)
        said[:] = [event["message"] for event in events if event["reason"] == "FailedCreate"]
        return bool(said)

    wait_until(refused, "the ReplicaSet says why it has no pod")
    violates = f'is forbidden: violates PodSecurity "{level}:latest": {HOST_PATH[level]}'
    assert said[0].startswith('Error creating: pods "server-')
    assert said[0].endswith(violates)


def test_pod_security_in_mode_warn_warns_authors_of_pods_but_not_of_deployments(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory
) -> None:
    where = namespace({WARN: "baseline"})
    asked = deployment(where, ASKED, container(args=READS))
    assert cluster.api.create(asked, dry_run=True).expect(201).warnings == (COPIED,)
    template = asked["spec"]["template"]
    metadata = {"name": "p", "namespace": where, "annotations": asked["metadata"]["annotations"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    warnings = cluster.api.create(pod, dry_run=True).expect(201).warnings
    assert f'would violate PodSecurity "baseline:latest": {HOST_PATH["baseline"]}' in warnings


@pytest.mark.parametrize("level", HOST_PATH)
def test_the_namespaces_of_the_host_are_refused_so_its_shared_memory_is_out_of_reach(
    cluster: ControlPlane, webhook: Webhook, namespace: NamespaceFactory, level: str
) -> None:
    where = namespace({ENFORCE: level})
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": where},
        "spec": {"hostIPC": True, "containers": [unprivileged()]},
    }
    assert cluster.api.create(pod, dry_run=True).expect(403).message == (
        f'pods "p" is forbidden: violates PodSecurity "{level}:latest": '
        "host namespaces (hostIPC=true)"
    )
