"""CATALOGUE of inference servers, one row each.

A container is recognised by its image. A row says which variables make the server read a
model from a directory, which arguments name a model, and which argument sets the name
that the server answers to. To add a server, add a row.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from webhook.objects.container import Container

PATH: Final = "{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is known of one inference server."""

    name: str
    images: tuple[str, ...] = ()
    """Regular expressions for the end of the image's repository."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables for layout directory; {path} is where the model is mounted."""
    model_flags: tuple[str, ...] = ("--model",)
    """Arguments whose value may be a model's name."""
    verbs: tuple[str, ...] = ()
    """Words after which a model is a positional argument."""
    served_name_flag: str | None = None
    """Sets the name. Without it the server answers only to the path, and clients get 404."""


SERVERS: Final = (
    Server(
        name="vLLM",
        images=(r"vllm[\w-]*", r"(?:.*-)?vllm-openai(?:-.*)?", r"llm-d(?:-.*)?"),
        model_flags=("--model", "--tokenizer", "--speculative-model"),
        verbs=("serve",),
        served_name_flag="--served-model-name",
    ),
    Server(
        name="SGLang",
        images=(r"sglang(?:-.*)?",),
        model_flags=(
            "--model-path",
            "--model",
            "--tokenizer-path",
            "--speculative-draft-model-path",
        ),
        served_name_flag="--served-model-name",
    ),
    Server(
        name="TGI",
        images=(r"text-generation-inference(?:-.*)?", r"tgi(?:-.*)?"),
        env={"MODEL_ID": PATH},
        model_flags=("--model-id",),
    ),
    Server(
        name="TEI",
        images=(r"text-embeddings-inference(?:-.*)?", r"tei(?:-.*)?"),
        env={"MODEL_ID": PATH},
        model_flags=("--model-id",),
        served_name_flag="--served-model-name",
    ),
    # It reads one .gguf file, whose name only the author knows. The author writes
    # -m $(MODELCACHE_PATH)/model.gguf
    Server(name="llama.cpp", images=(r"llama\.cpp(?:-.*)?", r"llama-server"), model_flags=()),
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
        model_flags=("--model-path",),
        verbs=("api_server",),
        served_name_flag="--model-name",
    ),
    Server(name="Triton", images=(r"tritonserver(?:-.*)?",), model_flags=("--model-repository",)),
    # 1.x reads NIM_MODEL_NAME, 2.x NIM_MODEL_PATH. NIM_CACHE_PATH must stay writable.
    Server(
        name="NIM",
        images=(r"nim/.*", r"(?:.*-)?nim(?:-.*)?"),
        env={"NIM_MODEL_NAME": PATH, "NIM_MODEL_PATH": PATH},
        model_flags=(),
    ),
    Server(name="Ray", images=(r"ray(?:-.*)?", r"ray-llm(?:-.*)?"), model_flags=()),
)
UNKNOWN: Final = Server(name="", served_name_flag="--served-model-name")
_ROWS: Final = tuple((re.compile(rf"(?:.*/)?(?:{'|'.join(row.images)})"), row) for row in SERVERS)


@lru_cache(maxsize=1024)
def server_of_image(image: str) -> Server:
    """Return the server that *image* runs, or UNKNOWN."""
    repository = re.sub(r"(?::[^/:]*)?$", "", image.partition("@")[0])
    return next((row for match, row in _ROWS if match.fullmatch(repository)), UNKNOWN)


def server_of(container: Container) -> Server:
    """Return the server that *container* runs, or UNKNOWN."""
    return server_of_image(container.image) if container.image else UNKNOWN
