"""What VPA sets and what the webhook adds, as docs/with-other-tools.md says.

A scripted webhook stands for VPA's: it has the name, the policy and the patch of VPA's chart.
"""

from typing import Final

import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.inference_pods import PREFIX, container
from tests.kubernetes.registration import NamespaceFactory, configured, mutating
from tests.kubernetes.registration import webhook as hook_for_pods
from tests.kubernetes.scripted_hook import Review, ScriptedHook, add, patch
from webhook.values.quantity import MI, Quantity

RECOMMENDED: Final = "20Gi"
"""The request and, in the same ratio, the limit that VPA gives the container."""


def recommends(review: Review) -> Object:
    """Replace requests and limits of memory, as VPA's webhook does."""
    amounts = {"memory": RECOMMENDED}
    return patch(add("/spec/containers/0/resources", {"requests": amounts, "limits": amounts}))


@pytest.mark.usefixtures("webhook")
@pytest.mark.parametrize(
    ("strategy", "shm_size", "added"),
    [("emptyDir", "2Gi", 5632 + 2048), ("pvc", "2Gi", 2048), ("pvc", "0", 0)],
)
def test_what_the_webhook_adds_comes_on_top_of_what_vpa_recommends(
    cluster: ControlPlane,
    namespace: NamespaceFactory,
    hook: ScriptedHook,
    strategy: str,
    shm_size: str,
    added: int,
) -> None:
    asked = {"model": "phi-2", "strategy": strategy, "shm-size": shm_size}
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "scaled-",
            "namespace": namespace(),
            "annotations": {PREFIX + key: value for key, value in asked.items()},
        },
        "spec": {"containers": [container(request="24Gi", limit="24Gi")]},
    }
    hook.answer = recommends
    entry = hook_for_pods("vpa.k8s.io", hook.client_config(), reinvocationPolicy="Never")
    with configured(cluster, [mutating("vpa-webhook-config", entry)]):
        kept = cluster.api.create(pod, dry_run=True).expect(201).body
    resources = kept["spec"]["containers"][0]["resources"]
    wanted = Quantity.parse(RECOMMENDED) // MI + added
    assert {Quantity.parse(resources[one]["memory"]) // MI for one in ("requests", "limits")} == {
        wanted
    }
