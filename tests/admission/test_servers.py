"""The rows of servers.py: images, variables, accelerators."""

from typing import Any

import pytest

from tests.admission.admitting import Webhook, pod_of
from webhook.admission.containers.accelerators import requests_accelerator
from webhook.admission.containers.servers import SERVERS, UNKNOWN, server_of_image
from webhook.objects.container import Container, Resources

PATH = "/models/acme--coder/main"
IMAGES = {
    "vLLM": [
        "vllm/vllm-openai:v0.11.0",
        "vllm/vllm-openai@sha256:" + "0" * 64,
        "registry.example.com:5000/mirror/vllm-openai",
        "public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo:v0.8.5",
        "ghcr.io/llm-d/llm-d-cuda:v0.3",
        "vllm/vllm-tpu:nightly",
        "rocm/vllm:latest",
    ],
    "SGLang": ["lmsysorg/sglang:v0.5.3", "sglang-router"],
    "TGI": ["ghcr.io/huggingface/text-generation-inference:3.0", "example.com/tgi:1"],
    "TEI": ["ghcr.io/huggingface/text-embeddings-inference:cpu-1.6"],
    "llama.cpp": ["ghcr.io/ggml-org/llama.cpp:server-cuda", "example.com/llama-server"],
    "Ollama": ["ollama/ollama:0.5", "ollama"],
    "LMDeploy": ["openmmlab/lmdeploy:v0.18"],
    "Triton": ["nvcr.io/nvidia/tritonserver:25.01-py3"],
    "NIM": ["nvcr.io/nim/meta/llama-3.1-8b-instruct:1.3", "example.com/llm-nim:2"],
    "Ray": ["rayproject/ray:2.40", "rayproject/ray-llm:2.40"],
    "": [
        "envoyproxy/envoy:v1",
        "example.com/vllm-openai.mirror/proxy:1",
        "nginx",
        "example.com/array",
    ],
}
VARIABLES = {
    "vLLM": {},
    "SGLang": {},
    "TGI": {"MODEL_ID": PATH},
    "TEI": {"MODEL_ID": PATH},
    "llama.cpp": {},
    "Ollama": {"OLLAMA_MODELS": PATH, "OLLAMA_NOPRUNE": "1"},
    "LMDeploy": {},
    "Triton": {},
    "NIM": {"NIM_MODEL_NAME": PATH, "NIM_MODEL_PATH": PATH},
    "Ray": {},
}  # fmt: skip


def test_every_row_has_its_images_and_variables_here() -> None:
    assert [row.name for row in SERVERS] == list(VARIABLES)
    assert {row.name for row in (*SERVERS, UNKNOWN)} == set(IMAGES)


@pytest.mark.parametrize(
    ("name", "image"), [(n, i) for n, images in IMAGES.items() for i in images]
)
def test_the_image_identifies_the_server(name: str, image: str) -> None:
    assert server_of_image(image).name == name


@pytest.mark.parametrize("name", VARIABLES)
def test_container_gets_the_variables_of_its_server(name: str, webhook: Webhook) -> None:
    answer = webhook.admit(
        pod_of(
            {"strategy": "pvc", "shm_size": "0"}, container={"image": IMAGES[name][0], "args": []}
        )
    )
    assert answer.env() == {"MODELCACHE_PATH": PATH, **VARIABLES[name]}


@pytest.mark.parametrize("name", VARIABLES)
def test_t87_cache_layout_sets_the_hubs_variables_only(name: str, webhook: Webhook) -> None:
    asked = {"strategy": "pvc", "shm_size": "0", "layout": "hf-cache"}
    words = ["--model-id", "acme/coder"] if name in ("TGI", "TEI") else ["--model", "acme/coder"]
    answer = webhook.admit(pod_of(asked, container={"image": IMAGES[name][0], "args": words}))
    env = answer.env()
    if name in ("TGI", "TEI"):
        assert env.pop("HUGGINGFACE_HUB_CACHE") == "/modelcache/hub"
    if name == "TEI":
        assert env == {}
    else:
        assert env == {"HF_HUB_CACHE": "/modelcache/hub", "HF_HUB_OFFLINE": "1"}
    (mount,) = answer.container()["volumeMounts"]
    assert mount["mountPath"] == "/modelcache/hub/models--acme--coder"
    assert mount["subPath"] == "acme--coder/main/models--acme--coder"


def test_variable_of_the_author_is_kept_whatever_its_source(webhook: Webhook) -> None:
    own = [{"name": "MODELCACHE_PATH", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    answer = webhook.admit(pod_of({"strategy": "pvc"}, container={"env": own}))
    assert answer.container()["env"] == own


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (None, False),
        ({}, False),
        ({"limits": {"cpu": 1, "memory": "1Gi"}}, False),
        ({"limits": {"nvidia.com/gpu": 1}}, True),
        ({"limits": {"nvidia.com/gpu": "0"}}, False),
        ({"limits": {"nvidia.com/mig-1g.5gb": 1}}, True),
        ({"limits": {"nvidia.com/gpu.shared": 1}}, True),
        ({"requests": {"amd.com/gpu": 1}}, True),
        ({"limits": {"gpu.intel.com/i915": 1}}, True),
        ({"limits": {"habana.ai/gaudi": 1}}, True),
        ({"limits": {"google.com/tpu": 4}}, True),
        ({"limits": {"aws.amazon.com/neuroncore": 1}}, True),
        ({"limits": {"huawei.com/Ascend910": 1}}, True),
        ({"limits": {"cambricon.com/mlu": 1}}, True),
        ({"limits": {"aliyun.com/gpu": 1}}, True),
        ({"limits": {"example.com/fpga": 1}}, False),
        ({"limits": {"hugepages-2Mi": "1Gi"}}, False),
        ({"claims": [{"name": "gpu"}]}, True),
        ({"claims": []}, False),
    ],
)
def test_accelerator(resources: dict[str, Any] | None, expected: bool) -> None:
    container = Container(resources=None if resources is None else Resources(**resources))
    assert requests_accelerator(container) is expected
