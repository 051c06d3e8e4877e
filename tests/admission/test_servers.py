"""The catalogue of servers: images, commands, variables; and accelerators."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.admission.admitting import Webhook, facts_of, pod_of
from webhook.admission.containers.accelerators import requests_accelerator
from webhook.admission.containers.server import Server
from webhook.admission.containers.servers import SERVERS, UNKNOWN
from webhook.admission.containers.servers.recognition import server_of, server_of_image
from webhook.objects.container import Container, Resources

PATH = "/models/acme--coder/main"
IMAGES = {
    "vLLM": [
        "vllm/vllm-openai:v0.11.0",
        "vllm/vllm-openai@sha256:" + "0" * 64,
        "vllm/vllm-openai-rocm:v0.14.0",
        "registry.example.com:5000/mirror/vllm-openai",
        "public.ecr.aws/q9t5s3a7/vllm-cpu-release-repo:v0.8.5",
        "us-docker.pkg.dev/vertex-ai/vertex-vision-model-garden-dockers/pytorch-vllm-serve:20250601_0916",
        "registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.1",
        "quay.io/modh/vllm:rhoai-2.20-cuda",
        "ghcr.io/llm-d/llm-d:v0.2.0",
        "ghcr.io/llm-d/llm-d-cuda:v0.3",
        "vllm/vllm-tpu:nightly",
        "rocm/vllm:latest",
        "example.com/vllm-custom:1",
        "rocm/vllm-dev:nightly",
        "nvcr.io/nvidia/vllm:25.10-py3",
        "lmcache/vllm-openai:latest",
        "aibrix/vllm-openai:v0.9.2-cu128",
    ],
    "vLLM-Neuron": ["public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:0.9.1-neuronx-py311"],
    "Optimum-Neuron": ["ghcr.io/huggingface/optimum-neuron-vllm:0.4.5"],
    "Aphrodite": ["alpindale/aphrodite-openai:latest"],
    "SGLang": [
        "lmsysorg/sglang:v0.5.3",
        "lmsysorg/sglang-rocm:v0.5.6",
        "nvcr.io/nvidia/sglang:25.10-py3",
        "aibrix/sglang:v0.5.3",
    ],
    "LMDeploy": ["openmmlab/lmdeploy:v0.18"],
    "TensorRT-LLM": ["nvcr.io/nvidia/tensorrt-llm/release:1.2.0"],
    "Dynamo": ["nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1", "aibrix/ai-dynamo-vllm-runtime:1"],
    "Dynamo-frontend": ["nvcr.io/nvidia/ai-dynamo/dynamo-frontend:1.0"],
    "MLC": ["dustynv/mlc:r36"],
    "TGI-SageMaker": [
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-tgi-inference:2.4-tgi3.0",
    ],
    "TGI": [
        "ghcr.io/huggingface/text-generation-inference:3.0",
        "ghcr.io/huggingface/text-generation-inference:3.3.6-neuron",
        (
            "us-docker.pkg.dev/deeplearning-platform-release/gcr.io/"
            "huggingface-text-generation-inference-cu124.2-4.ubuntu2204.py311"
        ),
        "example.com/tgi:1",
    ],
    "TEI": [
        "ghcr.io/huggingface/text-embeddings-inference:cpu-1.6",
        (
            "us-docker.pkg.dev/deeplearning-platform-release/gcr.io/"
            "huggingface-text-embeddings-inference-cpu.1-6"
        ),
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/tei:2.0.1-tei1.9.3",
    ],
    "LoRAX": ["ghcr.io/predibase/lorax:main"],
    "KServe": ["kserve/huggingfaceserver:v0.15.0-gpu"],
    "HF-Inference-SageMaker": [
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-inference:2.6.0-gpu",
    ],
    "HF-Inference": ["ghcr.io/mine/huggingface-pytorch-inference-cu121:2"],
    "Infinity": ["michaelf34/infinity:0.0.77"],
    "llama.cpp": [
        "ghcr.io/ggml-org/llama.cpp:server-cuda",
        "ghcr.io/ggml-org/llama.cpp:full",
        "example.com/llama-server",
    ],
    "Ollama": ["ollama/ollama:0.5", "ollama"],
    "OpenVINO": ["openvino/model_server:2025.4"],
    "LocalAI": ["localai/localai:latest-gpu-nvidia-cuda-12", "quay.io/go-skynet/local-ai:v3"],
    "Triton": ["nvcr.io/nvidia/tritonserver:25.01-py3"],
    "DJL": [
        "deepjavalibrary/djl-serving:0.36.0-lmi",
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.36.0-lmi19.0.0-cu128",
    ],
    "Xinference": ["xprobe/xinference:v1.9.0"],
    "NIM": ["nvcr.io/nim/nvidia/llm-nim:1.15.0", "nvcr.io/nim/nvidia/vllm-model-free-nim:2.1.0"],
    "NIM-of-one-model": ["nvcr.io/nim/meta/llama-3.1-8b-instruct:1.3"],
    "Ray": ["rayproject/ray:2.40", "rayproject/ray-llm:2.40", "anyscale/ray-llm:2.44"],
    "": [
        "envoyproxy/envoy:v1",
        "example.com/vllm-openai.mirror/proxy:1",
        "nginx",
        "example.com/array",
    ],
}
NOT_SERVERS = [
    "ghcr.io/llm-d/llm-d-routing-sidecar:v0.3.0",
    "ghcr.io/llm-d/llm-d-router-disagg-sidecar:v1",
    "ghcr.io/llm-d/llm-d-inference-scheduler:v0.3",
    "ghcr.io/llm-d/llm-d-inference-sim:v0.5.0",
    "ghcr.io/llm-d/llm-d-uds-tokenizer:v0.5.0",
    "ghcr.io/llm-d/llm-d-new-part:v1",
    "registry.k8s.io/gateway-api-inference-extension/epp:v1.0.0",
    "lmsysorg/sglang-router:v0.2.0",
    "sglang-router",
    "vllm/vllm-router:v0.1",
    "lmcache/lmstack-router:latest",
    "ghcr.io/vllm-project/production-stack/router:v1",
    "lmcache/production-stack-operator:latest",
    "aibrix/vllm-mock:nightly",
    "aibrix/runtime:v0.5.0",
    "nekomeowww/ollama-operator:0.10",
    "example.com/vllm-exporter:1",
    "example.com/vllm-proxy:1",
    "example.com/ollama-webui:1",
    "example.com/vllm-simulator:2",
    "example.com/ollama-exporter:1",
    "quay.io/kuberay/operator:v1.4.0",
    "quay.io/kuberay/dashboard:v1.4.0",
    "rayproject/autoscaler:latest",
    "nvcr.io/nvidia/ai-dynamo/kubernetes-operator:1.0",
    "nvcr.io/nvidia/tritonserver:25.01-py3-sdk",
    "ghcr.io/ggml-org/llama.cpp:light-cuda",
    "ghcr.io/nvidia/k8s-nim-operator:v3",
    "nvcr.io/nvidia/hf-model-puller:1",
    "kserve/storage-initializer:v0.15",
    "ghcr.io/open-webui/open-webui:main",
    "xprobe/xinference-pypiserver:latest",
]
M = "acme/coder"
COMMANDS = [
    (f"vllm serve {M}", "vLLM"),
    (f"/opt/venv/bin/vllm serve {M}", "vLLM"),
    (f"python3 -m vllm.entrypoints.openai.api_server --model {M}", "vLLM"),
    (f"/usr/bin/python3 -u -m vllm.entrypoints.api_server --model {M}", "vLLM"),
    (f"/vault/vault-env vllm serve {M}", "vLLM"),
    (f"/var/run/argo/argoexec emissary --loglevel info -- vllm serve {M}", "vLLM"),
    (f"tini -g -- vllm serve {M}", "vLLM"),
    (f"env HF_HOME=/x vllm serve {M}", "vLLM"),
    (f"/start.sh vllm serve {M}", "vLLM"),
    (["bash", "-c", f"source /venv/bin/activate && exec vllm serve {M}"], "vLLM"),
    (["/bin/bash", "-c", "--", f"ray start --head && vllm serve {M}"], "vLLM"),
    (["/bin/bash", "-c", "--", "ulimit -n 65536; ray start --address=head:6379 --block"], "Ray"),
    (["sh", "-c", f"hf download {M} && vllm serve {M}"], "vLLM"),
    (f"python3 -m sglang.launch_server --model-path {M}", "SGLang"),
    (f"sglang serve {M}", "SGLang"),
    (f"python3 -m sglang_router.launch_server --model-path {M}", "SGLang"),
    (["/bin/sh", "-c", f"lmdeploy serve api_server {M} --server-port 23333"], "LMDeploy"),
    (f"trtllm-serve {M} --port 8000", "TensorRT-LLM"),
    (f"trtllm-llmapi-launch trtllm-serve {M}", "TensorRT-LLM"),
    (f"mpirun -n 2 --allow-run-as-root trtllm-serve {M}", "TensorRT-LLM"),
    (f"python3 -m dynamo.vllm --model {M}", "Dynamo"),
    ("python3 -m dynamo.frontend", "Dynamo-frontend"),
    (f"mlc_llm serve HF://{M}", "MLC"),
    (f"aphrodite run {M}", "Aphrodite"),
    (f"optimum-cli neuron serve --model {M}", "Optimum-Neuron"),
    (f"text-generation-launcher --model-id {M}", "TGI"),
    (f"text-embeddings-router --model-id {M}", "TEI"),
    (f"lorax-launcher --model-id {M}", "LoRAX"),
    (f"python3 -m huggingfaceserver --model_id={M}", "KServe"),
    (f"infinity_emb v2 --model-id {M}", "Infinity"),
    (f"/app/llama-server -hf {M}", "llama.cpp"),
    ("/bin/ollama serve", "Ollama"),
    ("/ovms/bin/ovms --model_path /m", "OpenVINO"),
    ("./local-ai run x", "LocalAI"),
    ("tritonserver --model-repository=/models", "Triton"),
    ("djl-serving -m x", "DJL"),
    ("xinference-local -H 0.0.0.0", "Xinference"),
    ("nim-serve --tensor-parallel-size 4", "NIM"),
    ("python serve.py --engine vllm --name tritonserver", ""),
    ("echo vllm serve", ""),
    ("vllm", ""),
    (["sh", "-c", "'"], ""),
    ("", ""),
]
OTHER_PROGRAMS = [
    ("vllm/vllm-openai:v0.11.0", f"vllm bench serve --model {M}"),
    ("vllm/vllm-openai:v0.11.0", f"hf download {M}"),
    ("vllm/vllm-openai:v0.11.0", ["bash", "-c", f"set -e; huggingface-cli download {M}; echo ok"]),
    ("vllm/vllm-openai:v0.11.0", "sleep infinity"),
    ("lmsysorg/sglang:v0.5.3", "python3 -m sglang_router.launch_router --worker-urls http://a"),
    ("openmmlab/lmdeploy:v0.18", "lmdeploy serve proxy"),
    ("ollama/ollama:0.5", "ollama pull llama3.2"),
    ("nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1", "python3 -m dynamo.router"),
    ("nvcr.io/nvidia/tensorrt-llm/release:1.2.0", "trtllm-serve disaggregated -c config.yaml"),
    ("nvcr.io/nim/nvidia/llm-nim:1.15.0", "list-model-profiles"),
    ("rayproject/ray:2.40", "ray job submit -- python train.py"),
    ("rayproject/ray:2.40", "ray kuberay-autoscaler --cluster-name x"),
]
VARIABLES: dict[str, dict[str, str]] = {
    "vLLM": {},
    "vLLM-Neuron": {"NEURON_COMPILED_ARTIFACTS": "/tmp/neuron-compiled-artifacts"},
    "Optimum-Neuron": {},
    "Aphrodite": {},
    "SGLang": {},
    "LMDeploy": {},
    "TensorRT-LLM": {},
    "Dynamo": {},
    "Dynamo-frontend": {"HF_HUB_CACHE": "/modelcache/hub", "HF_HUB_OFFLINE": "1"},
    "MLC": {},
    "TGI-SageMaker": {"HF_MODEL_ID": PATH},
    "TGI": {"MODEL_ID": PATH},
    "TEI": {"MODEL_ID": PATH},
    "LoRAX": {"MODEL_ID": PATH},
    "KServe": {},
    "HF-Inference-SageMaker": {},
    "HF-Inference": {"HF_MODEL_DIR": PATH},
    "Infinity": {"INFINITY_MODEL_ID": PATH},
    "llama.cpp": {"MODELCACHE_FILE": PATH + "/m.gguf", "LLAMA_ARG_MODEL": PATH + "/m.gguf"},
    "Ollama": {"OLLAMA_MODELS": PATH, "OLLAMA_NOPRUNE": "1"},
    "OpenVINO": {},
    "LocalAI": {
        "HF_HUB_CACHE": "/modelcache/hub",
        "HUGGINGFACE_HUB_CACHE": "/modelcache/hub",
        "TRANSFORMERS_CACHE": "/modelcache/hub",
        "HF_HUB_OFFLINE": "1",
    },
    "Triton": {"HF_HUB_CACHE": "/modelcache/hub", "HF_HUB_OFFLINE": "1"},
    "DJL": {"HF_MODEL_ID": PATH},
    "Xinference": {"HF_HUB_CACHE": "/modelcache/hub", "HF_HUB_OFFLINE": "1"},
    "NIM": {"NIM_MODEL_NAME": PATH, "NIM_MODEL_PATH": PATH},
    "NIM-of-one-model": {},
    "Ray": {"HF_HUB_CACHE": "/modelcache/hub", "HF_HUB_OFFLINE": "1"},
}
ASKED = {
    "llama.cpp": {"file": "m.gguf"},
    "Ollama": {"directory": "acme--coder/main"},
}
"""What a row needs to know for its variables."""


def test_every_row_has_its_images_and_variables_here() -> None:
    assert [row.name for row in SERVERS] == list(VARIABLES)
    assert {row.name for row in (*SERVERS, UNKNOWN)} == set(IMAGES)


@pytest.mark.parametrize(
    ("name", "image"), [(n, i) for n, images in IMAGES.items() for i in images]
)
def test_the_image_identifies_the_server(name: str, image: str) -> None:
    assert server_of_image(image).name == name


@pytest.mark.parametrize("image", NOT_SERVERS)
def test_an_image_that_looks_like_a_server_is_none(image: str) -> None:
    assert server_of_image(image) is UNKNOWN


def run(command: str | list[str], image: str | None = None) -> str:
    """Return the name of the server that a command runs, as command and as arguments."""
    words = tuple(command.split() if isinstance(command, str) else command)
    found = {
        server_of(Container(image=image, command=words)).name,
        server_of(Container(image=image, command=words[:1], args=words[1:])).name,
    }
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(("command", "name"), COMMANDS)
def test_the_command_identifies_the_server_word_by_word(
    command: str | list[str], name: str
) -> None:
    assert run(command, "example.com/mine:1") == name


@pytest.mark.parametrize(("image", "command"), OTHER_PROGRAMS)
def test_the_image_of_a_server_may_run_another_program(
    image: str, command: str | list[str]
) -> None:
    assert server_of_image(image) is not UNKNOWN
    assert run(command, image) == ""


@pytest.mark.parametrize(
    ("image", "command", "name"),
    [
        ("vllm/vllm-openai:v1", "/start.sh --port 80", "vLLM"),
        ("vllm/vllm-openai:v1", ["bash", "-c", "hf download a/b && /start.sh"], "vLLM"),
        ("vllm/vllm-openai:v1", "python3 -m sglang.launch_server --model-path a/b", "SGLang"),
        ("rayproject/ray-llm:2.40", ["bash", "-c", "ray start --head && vllm serve a/b"], "vLLM"),
        ("public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:1", "vllm serve a/b", "vLLM-Neuron"),
        ("763104351884.dkr.ecr.x.amazonaws.com/huggingface-vllm:1", "vllm serve a/b", "vLLM"),
    ],
)
def test_a_recognised_image_wins_unless_the_command_is_plainly_another(
    image: str, command: str | list[str], name: str
) -> None:
    assert run(command, image) == name


def test_the_arguments_of_an_entrypoint_say_whether_it_serves() -> None:
    assert server_of(Container(image="ollama/ollama", args=("pull", "x"))) is UNKNOWN
    assert server_of(Container(image="ollama/ollama", args=("serve",))).name == "Ollama"
    assert server_of(Container(image="vllm/vllm-openai", args=("bench", "serve"))) is UNKNOWN


def test_the_author_may_name_the_server() -> None:
    container = Container(image="example.com/mine", command=("sglang", "serve", M))
    assert server_of(container, "vllm").name == "vLLM"
    assert server_of(container, "other") is UNKNOWN


@pytest.mark.parametrize("row", SERVERS, ids=lambda row: row.name)
def test_a_row_says_where_its_facts_were_read(row: Server) -> None:
    assert re.search(r"\d|[0-9a-f]{7}", row.source), "the version is missing"


@pytest.mark.parametrize("name", VARIABLES)
def test_container_gets_the_variables_of_its_server(name: str, webhook: Webhook) -> None:
    asked = {"strategy": "pvc", "shm_size": "0", **ASKED.get(name, {})}
    answer = webhook.admit(pod_of(asked, container={"image": IMAGES[name][0], "args": []}))
    assert answer.env() == {"MODELCACHE_PATH": PATH, **VARIABLES[name]}
    assert webhook.admit(answer.admitted, raw=True).adds_nothing


HOMES = {
    "TGI": ["/data/hub/models--acme--coder"],
    "LoRAX": ["/root/.cache/huggingface/hub/models--acme--coder"],
}
"""Server → where a part of it looks that reads no variable but HF_HOME, in its image."""


@pytest.mark.parametrize(
    ("name", "flag", "expected"),
    [
        ("vLLM", "--model", {"HF_HUB_CACHE", "HF_HUB_OFFLINE"}),
        ("SGLang", "--model-path", {"HF_HUB_CACHE", "HF_HUB_OFFLINE"}),
        ("TGI", "--model-id", {"HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE", "HF_HUB_OFFLINE"}),
        ("TEI", "--model-id", {"HUGGINGFACE_HUB_CACHE"}),
        ("LoRAX", "--model-id",
         {"HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE", "HF_HUB_OFFLINE"}),
        ("llama.cpp", "--hf-repo", {"HF_HUB_CACHE", "LLAMA_ARG_OFFLINE"}),
        ("DJL", "x", {"HF_HUB_CACHE", "TRANSFORMERS_CACHE", "HF_HUB_OFFLINE"}),
    ],
)  # fmt: skip
def test_t87_cache_layout_sets_the_hubs_variables_only(
    name: str, flag: str, expected: set[str], webhook: Webhook
) -> None:
    asked = {"strategy": "pvc", "shm_size": "0", "layout": "hf-cache"}
    words = [flag, M]
    answer = webhook.admit(pod_of(asked, container={"image": IMAGES[name][0], "args": words}))
    env = answer.env()
    assert env.keys() == expected
    assert set(env.values()) <= {"/modelcache/hub", "1"}
    mount, *homes = answer.container()["volumeMounts"]
    assert mount["mountPath"] == "/modelcache/hub/models--acme--coder"
    assert mount["subPath"] == "acme--coder/main/models--acme--coder"
    assert [m["mountPath"] for m in homes] == HOMES.get(name, [])


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


IMAGE_OF_ANY_ROW = st.sampled_from([i for images in IMAGES.values() for i in images])
WORD = st.sampled_from(
    [
        M, f"{M}:Q4_K_M", f"hf://{M}", f"HF://{M}", f"{M};", f"--model={M}", f"--model_id={M}", "--served-model-name",
        "--model", "--model-id", "--model-path", "--model_path", "-hf", "--hf-repo", "-m", "--alias", "serve", "v2",
        "trtllm-serve", "vllm", "llama-server", "--port", "80", "$(MODEL_ID)", "--tokenizer", "--source_model",
    ]
)  # fmt: skip
VALUE = st.sampled_from(
    [M, f"hf://{M}", f"{M}:main", f"{M};acme/other", f"--model {M} --port 80", "/data"]
)
VARIABLE = st.sampled_from(
    [
        "MODEL_ID",
        "HF_MODEL_ID",
        "NIM_MODEL_PATH",
        "INFINITY_MODEL_ID",
        "VLLM_ARGS",
        "LLAMA_ARG_HF_REPO",
        "HF_HOME",
    ]
)
ASKS = st.fixed_dictionaries(
    {},
    optional={
        "file": st.just("q4/m.gguf"),
        "rewrite_args": st.just("true"),
        "layout": st.sampled_from(["directory", "hf-cache"]),
        "server": st.sampled_from([row.key for row in SERVERS]),
        "model": st.just(f"{M},acme/other"),
    },
)


@settings(max_examples=300)
@given(
    image=IMAGE_OF_ANY_ROW,
    args=st.lists(WORD, max_size=5),
    env=st.dictionaries(VARIABLE, VALUE, max_size=2),
    asked=ASKS,
)
def test_a_second_review_adds_nothing_for_any_server(
    image: str, args: list[str], env: dict[str, str], asked: dict[str, str]
) -> None:
    if "model" in asked:
        asked.pop("file", None)  # one entry for each model
    webhook = Webhook(facts=facts_of({}))
    variables = [{"name": name, "value": value} for name, value in env.items()]
    container = {"image": image, "args": args, "env": variables}
    first = webhook.admit(pod_of({"strategy": "pvc", **asked}, container=container))
    assert first.allowed, first.denial
    assert webhook.admit(first.admitted, raw=True).adds_nothing


@pytest.mark.parametrize(
    ("given_name", "said"),
    [("vLLM", "must be one of"), ("triton-server", "must be one of"), ("", "empty")],
)
def test_a_server_that_is_not_in_the_table_is_refused(
    given_name: str, said: str, webhook: Webhook
) -> None:
    denial = webhook.admit(pod_of({"server": given_name})).denial
    assert "MC001 modelcache.io/server: " in denial
    assert said in denial


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["/bin/ollama", "pull", "llama3.2"], "ollama pull"),
        (["sh", "-c", "sleep 5; ollama run llama3.2 &"], "ollama run"),
        (["bash", "-c", f"hf download {M}"], "hf download"),
        (["python3", "-c", f"from huggingface_hub import *; snapshot_download('{M}')"],
         "snapshot_download"),
        (["sh", "-c", "echo ollama is ready"], None),
        (["/bin/ollama", "list"], None),
        (["sh", "-c", "'"], None),
        ([], None),
    ],
)  # fmt: skip
def test_a_download_after_the_start_is_named(
    command: list[str], expected: str | None, webhook: Webhook
) -> None:
    container = {"lifecycle": {"postStart": {"exec": {"command": command}}}}
    answer = webhook.admit(pod_of({"strategy": "pvc"}, container=container))
    named = [w.split('"')[1] for w in answer.warnings if w.startswith("MC135")]
    assert named == ([expected] if expected else [])
    assert answer.container()["lifecycle"] == container["lifecycle"]
