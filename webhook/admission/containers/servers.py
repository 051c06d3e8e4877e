"""CATALOGUE of inference servers, one row each.

A container is recognised by its image. A row says which variables make the server read a
model from a directory, which arguments name a model, where it looks for a Hugging Face cache,
and which argument sets the name that the server answers to. To add a server, add a row.
"""

import re
from functools import lru_cache
from typing import Final

from webhook.admission.containers.server import PATH, HubCache, Server
from webhook.objects.container import Container

SERVERS: Final = (
    Server(
        name="vLLM",
        images=(r"vllm[\w-]*", r"(?:.*-)?vllm-openai(?:-.*)?", r"llm-d(?:-.*)?"),
        commands=("vllm serve", "-m vllm.entrypoints.openai.api_server"),
        more_flags=(
            "--tokenizer",
            "--speculative-model",
            "--speculative-config",
            "--lora-modules",
            "--hf-config-path",
        ),
        positional=True,
        served_name_flags=("--served-model-name",),
        cache=HubCache(flags=("--download-dir",)),
    ),
    Server(
        name="SGLang",
        images=(r"sglang(?:-.*)?",),
        commands=("-m sglang.launch_server",),
        model_flags=("--model-path", "--model"),
        more_flags=("--tokenizer-path", "--speculative-draft-model-path", "--lora-paths"),
        served_name_flags=("--served-model-name",),
        cache=HubCache(flags=("--download-dir",)),
    ),
    Server(
        name="TGI",
        images=(r"text-generation-inference(?:-.*)?", r"tgi(?:-.*)?"),
        commands=("text-generation-launcher",),
        env={"MODEL_ID": PATH},
        model_flags=("--model-id", "MODEL_ID"),
        more_flags=("--tokenizer-config-path", "--lora-adapters", "LORA_ADAPTERS"),
        cache=HubCache(
            variables=("HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE"), older=("TRANSFORMERS_CACHE",)
        ),
    ),
    Server(
        name="TEI",
        images=(r"text-embeddings-inference(?:-.*)?", r"tei(?:-.*)?"),
        commands=("text-embeddings-router",),
        env={"MODEL_ID": PATH},
        model_flags=("--model-id", "MODEL_ID"),
        served_name_variable="SERVED_MODEL_NAME",
        cache=HubCache(
            flags=("--huggingface-hub-cache",),
            variables=("HUGGINGFACE_HUB_CACHE",),
            older=(),
            offline={},
        ),
    ),
    # It reads one .gguf file, whose name only the author knows. The author writes
    # -m $(MODELCACHE_PATH)/model.gguf
    Server(
        name="llama.cpp",
        images=(r"llama\.cpp(?:-.*)?", r"llama-server"),
        commands=("llama-server",),
        model_flags=("--model", "-m", "LLAMA_ARG_MODEL"),
        file_flag="--model",
    ),
    # Without OLLAMA_NOPRUNE it prunes its store at start, which fails on a read-only store.
    Server(
        name="Ollama",
        images=(r"ollama(?:-.*)?",),
        env={"OLLAMA_MODELS": PATH, "OLLAMA_NOPRUNE": "1"},
        model_flags=(),
    ),
    Server(
        name="LMDeploy",
        images=(r"lmdeploy(?:-.*)?",),
        commands=("lmdeploy serve api_server",),
        model_flags=("--model-path",),
        positional=True,
        served_name_flags=("--model-name",),
        cache=HubCache(flags=("--download-dir",)),
    ),
    Server(
        name="Triton",
        images=(r"tritonserver(?:-.*)?",),
        model_flags=("--model-repository",),
        named_elsewhere=True,
    ),
    # 1.x reads NIM_MODEL_NAME, 2.x NIM_MODEL_PATH. NIM_CACHE_PATH must stay writable.
    Server(
        name="NIM",
        images=(r"nim/.*", r"(?:.*-)?nim(?:-.*)?"),
        env={"NIM_MODEL_NAME": PATH, "NIM_MODEL_PATH": PATH},
        model_flags=(),
    ),
    Server(
        name="Ray",
        images=(r"ray(?:-.*)?", r"ray-llm(?:-.*)?"),
        model_flags=(),
        named_elsewhere=True,
        cache=HubCache(),
    ),
)
UNKNOWN: Final = Server(name="")
_ROWS: Final = tuple((re.compile(rf"(?:.*/)?(?:{'|'.join(row.images)})"), row) for row in SERVERS)


@lru_cache(maxsize=1024)
def server_of_image(image: str) -> Server:
    """Return the server that *image* runs, or UNKNOWN."""
    repository = re.sub(r"(?::[^/:]*)?$", "", image.partition("@")[0])
    return next((row for match, row in _ROWS if match.fullmatch(repository)), UNKNOWN)


def server_of(container: Container) -> Server:
    """Return the server that *container* runs, or UNKNOWN."""
    found = server_of_image(container.image) if container.image else UNKNOWN
    if found is not UNKNOWN:
        return found
    words = " ".join((*(container.command or ()), *(container.args or ())))
    return next((row for row in SERVERS if any(c in words for c in row.commands)), UNKNOWN)
