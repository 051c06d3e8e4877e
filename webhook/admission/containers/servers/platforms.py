"""Rows of platforms, which serve what a file, a variable or a client names."""

from typing import Final

from webhook.admission.containers.server import PATH, HubCache, Server

TRITON: Final = Server(
    name="Triton",
    images=(r"tritonserver",),
    commands=("tritonserver",),
    model_flags=("--model-repository", "--model-store"),
    more_flags=("--tokenizer",),
    path_as_name="unused",
    named_elsewhere=True,
    cache=HubCache(),
    source="triton-inference-server/server, November 2026; vllm_backend 8de0c14",
)
# Its Java front end asks the hub for config.json, offline or not, unless it is given a directory.
DJL: Final = Server(
    name="DJL",
    images=(r"djl-serving(?:-.*)?", r"djl-inference(?:-.*)?"),
    commands=("djl-serving",),
    env={"HF_MODEL_ID": PATH},
    model_flags=("HF_MODEL_ID", "OPTION_MODEL_ID"),
    more_flags=("OPTION_TOKENIZER", "OPTION_SPECULATIVE_DRAFT_MODEL", "OPTION_SPECULATIVE_CONFIG"),
    revisions=("HF_REVISION", "OPTION_REVISION"),
    path_as_name="unused",
    prefers_path=True,
    cache=HubCache(
        variables=("HF_HUB_CACHE", "TRANSFORMERS_CACHE"), older=("HUGGINGFACE_HUB_CACHE",)
    ),
    source="djl-serving 0.36: LmiUtils.java, vllm_async_service.py",
)
# Models are launched by clients. It sets HUGGINGFACE_HUB_CACHE itself, so only HF_HUB_CACHE counts.
XINFERENCE: Final = Server(
    name="Xinference",
    images=(r"xinference(?:-.*)?",),
    commands=("xinference-local", "xinference-worker"),
    model_flags=(),
    path_as_name="unused",
    named_elsewhere=True,
    cache=HubCache(older=()),
    source="xinference 1.0 to 3.2.1: constants.py",
)
# 1.x reads NIM_MODEL_NAME, 2.x NIM_MODEL_PATH. NIM_CACHE_PATH must stay writable.
NIM: Final = Server(
    name="NIM",
    images=(r"(?:.*-)?model-free-nim", r"llm-nim", r"nim-llm"),
    commands=("nim-serve",),
    env={"NIM_MODEL_NAME": PATH, "NIM_MODEL_PATH": PATH},
    model_flags=("NIM_MODEL_NAME", "NIM_MODEL_PATH"),
    line_variables=("NIM_PASSTHROUGH_ARGS",),
    positional=True,
    names_revisions=True,
    served_name_variable="NIM_SERVED_MODEL_NAME",
    source="docs.nvidia.com/nim/large-language-models 1.10 to 3.0; k8s-nim-operator f63f74d",
)
NIM_OF_ONE_MODEL: Final = Server(
    name="NIM-of-one-model",
    images=(r"nim/.*",),
    model_flags=(),
    unserved=(
        "an image of one model loads the files that it was built for, from NGC: use the image "
        "nvcr.io/nim/nvidia/llm-nim, or set NIM_FT_MODEL and NIM_CUSTOM_MODEL_NAME as NVIDIA says"
    ),
    source="docs.nvidia.com/nim/large-language-models 1.10 to 1.15; k8s-nim-operator f63f74d",
)
# Last of all: `ray start --head && vllm serve` runs vLLM. Workers name no model, but read it.
RAY: Final = Server(
    name="Ray",
    images=(r"ray", r"ray-(?:llm|ml)(?:-.*)?"),
    commands=(
        "ray start", "serve run", "serve deploy", "nim-serve-ray",
        "multi-node-serving.sh leader", "multi-node-serving.sh worker",
    ),
    model_flags=(),
    path_as_name="unused",
    named_elsewhere=True,
    cache=HubCache(),
    source="wheel of ray 2.60.0; kuberay feeaf72",
)  # fmt: skip
ROWS: Final = (TRITON, DJL, XINFERENCE, NIM, NIM_OF_ONE_MODEL, RAY)
