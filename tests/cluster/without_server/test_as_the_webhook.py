"""The policies do with a pod exactly what the webhook does, or refuse it and say why."""

import copy
import json
import os
import random
from typing import Any, Final

import pytest
import yaml

from tests.admission.admitting import Json, pod_of
from tests.admission.corpus import rows
from tests.admission.test_cases import FOLDERS, documents, given
from tests.cluster.api_servers.test_article import EXAMPLE
from tests.cluster.api_servers.test_random_pods import Maker
from tests.cluster.without_server.compared import Compared, Comparison, reasons_of
from tests.docs.manual import DOCS
from tests.docs.test_manual import blocks
from tests.kubernetes.api import Object

PREFIX: Final = "modelcache.io/"
COMMIT: Final = "0" * 40
DIGEST: Final = "registry.example.com/m@sha256:" + "0" * 64
SEEDS: Final = int(os.environ.get("RANDOM_PODS", "200"))
LOWERED: Final = "lowered-limit-is-raised-again"
PODS: Final = [
    case
    for case in FOLDERS
    if given(case)["kind"] == "Pod" and not documents(case, "policy.yaml") and case != LOWERED
]


def check(found: Compared, what: Any) -> bool:
    """Check one pod; return whether the policies admitted it."""
    if not found.admitted:
        assert found.reasons, what
        return False
    assert found.by_policies == found.by_webhook, what
    assert bool(found.warnings) == bool(found.said), (what, found.warnings, found.said)
    return True


def test_of_the_cases_that_users_see(comparison: Comparison) -> None:
    admitted = []
    for case in PODS:
        found = comparison.pod(given(case))
        if found and check(found, case):
            admitted.append(case)
    assert len(PODS) > 150
    assert len(admitted) >= 30, admitted


def test_of_the_pods_of_the_article(comparison: Comparison) -> None:
    found = {}
    for deployment in yaml.safe_load_all(EXAMPLE.read_text()):
        name, template = deployment["metadata"]["name"], deployment["spec"]["template"]
        pod = {"metadata": {"annotations": deployment["metadata"]["annotations"]}}
        found[name] = comparison.judged({**pod, "spec": template["spec"]})
    admitted = [name for name, one in found.items() if check(one, name)]
    assert admitted == ["vllm-inference", "vllm-hostpath"]
    assert found["fast-inference"].reasons == (
        "modelcache.io/strategy must be auto, pvc, hostPath, image"
    )


def test_of_the_pod_of_the_manual(comparison: Comparison) -> None:
    [text] = blocks("yaml", DOCS / "without-a-server.md")
    found = comparison.judged(yaml.safe_load(text)["spec"]["template"])
    assert check(found, text)
    assert not found.warnings


def test_of_random_pods(comparison: Comparison) -> None:
    judged = 0
    for seed in range(SEEDS):
        maker = Maker(seed)
        pod = {"metadata": {"annotations": maker.annotations()}, "spec": maker.spec()}
        found = comparison.pod(pod)
        judged += found is not None
        if found:
            check(found, seed)
    assert judged > SEEDS / 2


MODELS: Final = (
    "phi-2", "microsoft/phi-2", "acme/coder@v1.0", "hf://acme/coder", f"acme/coder@{COMMIT}",
    "chat", "acme/chat", "acme/chat@main", "on-nodes", "acme/on-nodes", "acme/on-nodes@main",
    "support-bot", "by-hand", "packed", "acme/packed@v2",
)  # fmt: skip
ASKED: Final[dict[str, tuple[str, ...]]] = {
    "strategy": ("auto", "pvc", "hostPath", "image"),
    "claim": ("team-models", "a.b-c"),
    "image": (DIGEST,),
    "directory": ("coder", "teams/coder+v1"),
    "mount-path": ("/w", "/data/model", "/models", "/opt/a.b"),
    "layout": ("auto", "directory"),
    "containers": ("vllm", "vllm,second", "second , vllm"),
    "shm-size": ("0", "1", "64Mi", "1500M", "16Gi"),
    "memory": ("add", "none"),
    "placement": ("preferred", "none"),
    "read-only": ("true",),
    "server": ("vllm", "other"),
    "verify": ("false",),
}


def asking(seed: int) -> Object:
    """Return a random pod whose containers name the path, and which asks for nothing unusual."""
    maker, chance = Maker(seed), random.Random(seed)
    spec: Object = maker.spec()
    for container in spec["containers"]:
        container["args"] = ["--model", "$(MODELCACHE_PATH)"]
        if "ollama" in container["image"]:
            container["image"] = "registry.example.com/own/server"
    for container in spec.get("initContainers", ()):
        container.pop("args", None)
    if chance.random() < 0.8:
        spec.pop("resources", None)
        spec.pop("hostIPC", None)
    annotations = {f"{PREFIX}model": chance.choice(MODELS)}
    for name, values in ASKED.items():
        if chance.random() < 0.2:
            annotations[PREFIX + name] = chance.choice(values)
    return {"metadata": {"annotations": annotations}, "spec": spec}


@pytest.mark.parametrize("labels", [{}, {"models": "nodes"}, {"models": "nodes", "stage": "test"}])
def test_of_random_pods_that_name_the_path(comparison: Comparison, labels: dict[str, str]) -> None:
    place = comparison.place(labels)
    found = [(seed, comparison.pod(asking(seed), place)) for seed in range(SEEDS)]
    judged = [(seed, one) for seed, one in found if one]
    admitted = [seed for seed, one in judged if check(one, (seed, labels))]
    assert len(admitted) > SEEDS / 6, f"{len(admitted)} of {len(judged)}"


def test_of_pods_whose_amounts_a_limitrange_defaults(comparison: Comparison) -> None:
    limits = {
        "type": "Container",
        "default": {"memory": "8Gi"},
        "defaultRequest": {"memory": "1Gi"},
    }
    limit_range = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "defaults"},
        "spec": {"limits": [limits]},
    }
    place = comparison.place({}, limit_range)
    for pod in (pod_of(), pod_of(limit="4Gi"), pod_of(request="2Gi")):
        assert check(comparison.judged(pod, place), pod)
    found = comparison.judged(pod_of(), place).by_policies["containers"][0]["resources"]
    assert (found["limits"]["memory"], found["requests"]["memory"]) == ("10Gi", "1Gi")


def with_path(value: Any) -> Any:
    """Return *value*, any JSON, with the path in place of the hub name."""
    return json.loads(json.dumps(value).replace("acme/coder", "$(MODELCACHE_PATH)"))


def test_of_every_way_in_which_people_name_a_model(comparison: Comparison) -> None:
    admitted = 0
    for row in rows():
        named = copy.deepcopy(row.pod)
        named["spec"] = with_path(named["spec"])
        for pod in (row.pod, named):
            found = comparison.pod(pod)
            if found and check(found, (row.server, row.how)):
                admitted += 1
                assert not found.warnings, (row.server, row.how)
    assert admitted > 150


VLLM: Final[Json] = {"image": "vllm/vllm-openai:v0.11.0"}
WAYS: Final[dict[str, Json]] = {
    "in a word": {"args": ["--model=$(MODELCACHE_PATH)", "--served-model-name=acme/coder"]},
    "as a path": {"args": ["--model", "/models/acme--coder/main"]},
    "below the path": {"args": ["/models/acme--coder/main/sub"]},
    "in the text of a shell": {
        "command": ["sh", "-c", "exec vllm serve $(MODELCACHE_PATH) --served-model-name acme/coder"]
    },
    "in a shell with options": {
        "command": ["/bin/bash", "-eu", "-c", "cd /x; vllm serve $(MODELCACHE_PATH)"]
    },
    "in a variable that a shell uses": {
        "command": ["bash", "-lc", 'vllm serve "$WEIGHTS"'],
        "env": [{"name": "WEIGHTS", "value": "$(MODELCACHE_PATH)"}],
    },
    "as a word of vLLM": {"command": ["vllm", "serve", "$(MODELCACHE_PATH)"]},
    "in a variable": {
        "args": ["--port", "80"],
        "env": [{"name": "WEIGHTS", "value": "$(MODELCACHE_PATH)/w"}],
    },
    "with a name for clients": {
        "args": ["--model", "$(MODELCACHE_PATH)"],
        "env": [{"name": "SERVED_NAME", "value": "acme/coder"}],
    },
}


@pytest.mark.parametrize("container", WAYS.values(), ids=WAYS)
def test_of_a_container_that_names_the_path(comparison: Comparison, container: Json) -> None:
    assert check(comparison.judged(pod_of(container={**VLLM, **container})), container)


def test_of_a_server_that_is_given_its_variable_by_hand(comparison: Comparison) -> None:
    env = [{"name": "MODEL_ID", "value": "$(MODELCACHE_PATH)"}]
    image = "ghcr.io/huggingface/text-generation-inference:3"
    container = {"image": image, "args": ["--port", "80"], "env": env}
    assert "from a variable" in comparison.judged(pod_of(container=container)).reasons
    assert check(comparison.judged(pod_of({"server": "other"}, container=container)), env)


UNREAD: Final[dict[str, Json]] = {
    "a longer path": {"args": ["--model", "/models/acme--coder/main-2"]},
    "the end of another path": {"args": ["--model", "/x/models/acme--coder/main"]},
    "a reference that the kubelet leaves alone": {"args": ["--model", "$$(MODELCACHE_PATH)"]},
    "a word that its shell does not use": {
        "command": ["sh", "-ec", "vllm serve /data/coder"],
        "args": ["--model", "$(MODELCACHE_PATH)"],
    },
    "another variable": {"args": ["--model", "$(MODELCACHE_PATH_2)"]},
    "the name next to it": {"args": ["--model", "acme/coder", "--x", "$(MODELCACHE_PATH)"]},
    "the name in a variable": {
        "args": ["--x", "$(MODELCACHE_PATH)", "$(MODEL)"],
        "env": [{"name": "MODEL", "value": "acme/coder"}],
    },
    "the name in two parts": {
        "args": ["--x", "$(MODELCACHE_PATH)", "--model", "$(ORG)/coder"],
        "env": [{"name": "ORG", "value": "acme"}],
    },
    "its own value for our variable": {
        "args": ["--model", "$(MODELCACHE_PATH)"],
        "env": [{"name": "MODELCACHE_PATH", "value": "/other"}],
    },
}


@pytest.mark.parametrize("container", UNREAD.values(), ids=UNREAD)
def test_a_container_that_would_not_read_the_model_is_refused(
    comparison: Comparison, container: Json
) -> None:
    found = comparison.judged(pod_of(container={**VLLM, **container}))
    assert not found.admitted
    assert found.reasons.startswith(("container vllm ", "vllm is, or has, what only"))


def test_a_second_injection_changes_nothing(comparison: Comparison) -> None:
    pod = pod_of(limit="8Gi")
    first = comparison.judged(pod)
    annotations = first.by_policies["annotations"]
    spec = {key: value for key, value in first.by_policies.items() if key != "annotations"}
    again = comparison.judged({"metadata": {"annotations": annotations}, "spec": spec})
    assert again.by_policies == again.by_webhook == first.by_policies
    assert copy.deepcopy(annotations)[f"{PREFIX}injected"]


HOSTILE: Final = (
    "", " ", ",", "@", "/", "a/b@", "a@b@c", "a/b@c/d", "..", "../../etc", "a//b", "'", '"', "\\",
    "a\nb", "\u2028", "🙂/🙂", "x" * 5000, "${x}", "$(x)", "-1", "1e999", "0x10", "1Ei", ".", "(", "[",
    "a/b\n", "phi-2\n", "true ", "hf://", "hf://hf://a/b", "s3://bucket/model", "http://x/y",
)  # fmt: skip


def test_no_value_of_an_annotation_confuses_the_policies(comparison: Comparison) -> None:
    refused = 0
    for name in ("model", *ASKED, "inject", "injected", "copied-keys", "typo", "rewrite-args"):
        for value in HOSTILE:
            pod = pod_of()
            pod["metadata"]["annotations"][PREFIX + name] = value
            if (answer := comparison.answer(pod)).ok:
                assert check(comparison.judged(pod), (name, value))
            else:
                assert reasons_of(answer), (name, value)
                refused += 1
    assert refused > 400
