"""Rows of servers that read a file, or a store of their own."""

from typing import Final

from webhook.admission.containers.server import FILE, PATH, HubCache, Server

# The role of the image is in its tag: light runs a client. Builds before March 2026 keep models in
# a directory of their own (#20775, #21009), and LLAMA_CACHE is that directory.
LLAMA_CPP: Final = Server(
    name="llama.cpp",
    images=(r"llama\.cpp(?::(?:server|full).*)?", r"llama-server", r"huggingface-llamacpp"),
    commands=("llama-server", "llama serve", "tools.sh --server", "tools.sh -s"),
    env={"LLAMA_ARG_MODEL": FILE},
    model_flags=(
        "--model", "-m", "LLAMA_ARG_MODEL", "--hf-repo", "-hf", "-hfr", "LLAMA_ARG_HF_REPO",
        "--model-url", "-mu", "LLAMA_ARG_MODEL_URL", "--docker-repo", "-dr",
        "LLAMA_ARG_DOCKER_REPO",
        "--models-dir", "LLAMA_ARG_MODELS_DIR", "--models-preset", "LLAMA_ARG_MODELS_PRESET",
    ),
    takes_path=(
        "--model", "-m", "LLAMA_ARG_MODEL", "--models-dir", "LLAMA_ARG_MODELS_DIR",
        "--models-preset", "LLAMA_ARG_MODELS_PRESET",
    ),
    hub_flag="-hf",
    path_flag="--model",
    reads_file=True,
    names_revisions=True,
    joins_flags=False,
    more_flags=(
        "--hf-repo-draft", "-hfd", "-hfrd", "--spec-draft-hf", "LLAMA_ARG_SPEC_DRAFT_HF_REPO",
        "LLAMA_ARG_HFD_REPO", "--hf-repo-v", "-hfv", "LLAMA_ARG_HF_REPO_V",
    ),
    served_name_flags=("--alias", "-a"),
    served_name_variable="LLAMA_ARG_ALIAS",
    cache=HubCache(
        older=("LLAMA_CACHE", "HUGGINGFACE_HUB_CACHE"), offline={"LLAMA_ARG_OFFLINE": "1"}
    ),
    # The first build that reads the cache is not known exactly; it is before b8600. The images of
    # ggerganov are from before February 2025, when the project moved to ggml-org.
    old_builds=r".*-b(?:\d{1,3}|[1-7]\d{3}|8[0-5]\d\d)|(?:.*/)?ggerganov/.*",
    source="llama.cpp 145b628 (arguments), 03eb25f (cache); #20775, #21009",
)  # fmt: skip
# Without OLLAMA_NOPRUNE it prunes its store at start, which fails on a read-only store.
OLLAMA: Final = Server(
    name="Ollama",
    images=(r"ollama(?:-.*)?", r"ipex-llm-inference-cpp-xpu"),
    commands=("ollama serve", "ollama start"),
    entrypoint="ollama",
    env={"OLLAMA_MODELS": PATH, "OLLAMA_NOPRUNE": "1"},
    model_flags=(),
    own_format="its own store (an ollama:// source)",
    names_of_own_format=r"ollama://.*",
    source="ollama fb30760 (0.33.0-rc)",
)
# It clones into a directory of its own and writes there, so only --model_path reads a mount.
OPENVINO: Final = Server(
    name="OpenVINO",
    images=(r"openvino/model_server", r"openvino[-_]model[-_]server(?:-.*)?"),
    commands=("ovms",),
    entrypoint="ovms",
    model_flags=("--model_path",),
    path_flag="--model_path",
    more_flags=("--draft_source_model", "--source_loras"),
    served_name_flags=("--model_name",),
    own_format="OpenVINO's own format",
    names_of_own_format=r"(?i)openvino/.*|.*-(?:ov|openvino)(?:-.*)?",
    source="openvinotoolkit/model_server 2025.2 to 2026.3",
)
# It sets these variables for its Python backends, where they are empty.
LOCALAI: Final = Server(
    name="LocalAI",
    images=(r"local-?ai(?:-.*)?",),
    commands=("local-ai", "local-ai run"),
    entrypoint="local-ai",
    model_flags=("LOCALAI_MODELS", "MODELS"),
    positional=True,
    path_as_name="unused",
    needs_hub_name="it names models by words of its own, and a directory is none",
    named_elsewhere=True,
    cache=HubCache(
        variables=("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE"), older=()
    ),
    source="LocalAI 2.10 to 4.8: pkg/model/initializers.go",
)
ROWS: Final = (LLAMA_CPP, OLLAMA, OPENVINO, LOCALAI)
