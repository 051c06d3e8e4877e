"""Random pods, each created with and without annotations: what was legal stays legal.

The API server judges both. The numbers are the seeds, so a failing one can be run alone.
RANDOM_PODS=5000 runs more.
"""

import copy
import os
import random
from typing import Any, Final

import pytest

from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import create_namespace
from tests.kubernetes.server import Webhook

MEMORY: Final = ("0", "100m", "1Mi", "100Mi", "1500M", "1.5Gi", "8Gi", "1e10", "24Gi", "64Gi")
CPU: Final = ("0", "1m", "0.5", "500m", "1", "8")
IMAGES: Final = ("vllm/vllm-openai:v0.11.0", "lmsysorg/sglang:v0.5", "ollama/ollama:0.5", "envoy")
COMMIT: Final = "0" * 40
ANNOTATIONS: Final[dict[str, tuple[str, ...]]] = {
    "model": ("phi-2", f"microsoft/phi-2@{COMMIT}", "phi-2, mistral-7b-instruct"),
    "strategy": ("emptyDir", "emptyDir", "pvc", "hostPath", "image", "auto"),
    "memory": ("add", "ensure", "none"),
    "shm-size": ("0", "1", "64Mi", "1500M", "2Gi"),
    "verify": ("true", "false"),
    "read-only": ("true", "true", "true", "false"),
    "layout": ("directory", "hf-cache"),
    "target": ("vllm", "second"),
    "containers": ("vllm", "vllm,second", "vllm,first"),
    "size": ("100Gi", "20Gi"),
    "load-from": ("claim", "node", "source"),
    "placement": ("preferred", "required", "none"),
    "rewrite-args": ("true", "false"),
    "image": ("registry.example.com/m@sha256:" + "0" * 64,),
}
ALWAYS: Final = ("model", "strategy")


class Maker:
    """Makes the pod of one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def likely(self, probability: float) -> bool:
        return self._random.random() < probability

    def resources(self) -> Object:
        requests, limits = {}, {}
        for name, values in (("memory", MEMORY), ("cpu", CPU)):
            low, high = sorted(self._random.choices(range(len(values)), k=2))
            if self.likely(0.6):
                limits[name] = values[high]
            if self.likely(0.6):
                requests[name] = values[high if self.likely(0.5) else low]
        return {"requests": requests, "limits": limits}

    def container(self, name: str, **more: Any) -> Object:
        found: Object = {"name": name, "image": self._random.choice(IMAGES), **more}
        if self.likely(0.9):
            found["resources"] = self.resources()
        if self.likely(0.3):
            found.setdefault("resources", {}).setdefault("limits", {})["nvidia.com/gpu"] = "1"
        if self.likely(0.3):
            found["args"] = ["--model", "microsoft/phi-2"]
        if self.likely(0.3):
            found["env"] = [{"name": self._random.choice(("HF_HOME", "A")), "value": "/x"}]
        if self.likely(0.2):
            path = self._random.choice(("/data", "/dev/shm", "/dev/shm/", "/models/"))
            found["volumeMounts"] = [{"name": "own", "mountPath": path}]
        return found

    def spec(self) -> Object:
        names = ("vllm", "second", "third")[: self._random.choice((1, 1, 2, 3))]
        found: Object = {
            "containers": [self.container(name) for name in names],
            "volumes": [{"name": "own", "emptyDir": {}}],
        }
        if self.likely(0.3):
            sidecar = {"restartPolicy": "Always"} if self.likely(0.5) else {}
            found["initContainers"] = [self.container("first", **sidecar)]
        if self.likely(0.4):
            found["resources"] = self.resources()
        if self.likely(0.2):
            found["securityContext"] = {"runAsUser": 0, "fsGroup": 1}
        if self.likely(0.1):
            found["hostIPC"] = True
        if self.likely(0.1):
            found["automountServiceAccountToken"] = False
        if self.likely(0.2):
            expression = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
            required = {"nodeSelectorTerms": [expression]}
            affinity = {"requiredDuringSchedulingIgnoredDuringExecution": required}
            found["affinity"] = {"nodeAffinity": affinity if self.likely(0.7) else {}}
        return found

    def annotations(self) -> Object:
        return {
            f"modelcache.io/{key}": self._random.choice(values)
            for key, values in ANNOTATIONS.items()
            if key in ALWAYS or self.likely(0.25)
        }


@pytest.fixture(scope="module")
def where(cluster: ControlPlane, webhook: Webhook) -> str:
    return create_namespace(cluster, f"random-{os.getpid()}")


def test_p0_4_what_is_legal_stays_legal_and_of_its_class(cluster: ControlPlane, where: str) -> None:
    accepted = 0
    for seed in range(int(os.environ.get("RANDOM_PODS", "200"))):
        maker = Maker(seed)
        pod: Object = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"generateName": "p-", "namespace": where},
            "spec": maker.spec(),
        }
        plain = cluster.api.create(pod, dry_run=True)
        if not plain.ok:
            continue
        asking: Object = copy.deepcopy(pod)
        asking["metadata"]["annotations"] = maker.annotations()
        answer = cluster.api.create(asking, dry_run=True)
        if not answer.ok:  # the webhook's refusals have a code
            assert "denied the request: MC" in answer.message, (seed, answer.message)
            continue
        accepted += 1
        before, after = (each.body["status"]["qosClass"] for each in (plain, answer))
        assert after == before or before == "BestEffort", (seed, before, after)
        again = {**asking, "spec": answer.body["spec"]}
        again["metadata"] |= {"annotations": answer.body["metadata"]["annotations"]}
        second = cluster.api.create(again, dry_run=True).expect(201)
        assert second.body["spec"] == answer.body["spec"], seed
    assert accepted > 20
