"""Rows of other engines whose command names the model."""

from typing import Final

from webhook.admission.containers.server import HubCache, Server

SGLANG: Final = Server(
    name="SGLang",
    images=(
        r"sglang(?:-.*)?",
        r"sgl-dev",
        r"pytorch-sglang-serve.*",
        r"huggingface-sglang",
    ),
    other_images=(r"sglang-router.*",),
    commands=(
        "-m sglang.launch_server",
        "sglang serve",
        "-m sglang_router.launch_server",
    ),
    # No underscores and no word, but the first one after `sglang serve` (cli/serve.py, 0.5.23).
    model_flags=("--model-path", "--model", "SM_SGLANG_MODEL_PATH"),
    more_flags=(
        "--tokenizer-path",
        "--speculative-draft-model-path",
        "--speculative-draft-model",
        "--lora-paths",
        "--lora-path",
    ),
    more_revisions={
        "--speculative-draft-model-revision": (
            "--speculative-draft-model-path",
            "--speculative-draft-model",
        )
    },
    file_formats=(".gguf",),
    config_flags=("--config",),
    positional=True,
    served_name_flags=("--served-model-name",),
    cache=HubCache(flags=("--download-dir",)),
    source="wheels of sglang 0.4.6, 0.5.6, 0.5.23",
)
LMDEPLOY: Final = Server(
    name="LMDeploy",
    images=(r"lmdeploy(?:-.*)?",),
    commands=("lmdeploy serve api_server", "-m lmdeploy serve api_server"),
    model_flags=("--model-path",),
    more_flags=("--adapters", "--speculative-draft-model"),
    positional=True,
    served_name_flags=("--model-name",),
    cache=HubCache(flags=("--download-dir",)),
    source="wheels of lmdeploy 0.7.0, 0.18.0",
)
# It names a model by the last part of its path. --served_model_name exists only from 1.3 on, so it
# is not added.
TENSORRT_LLM: Final = Server(
    name="TensorRT-LLM",
    images=(r"tensorrt-llm/.*", r"trtllm-serve"),
    commands=("trtllm-serve", "-m tensorrt_llm.commands.serve"),
    model_flags=(),
    more_flags=("--tokenizer", "--custom_tokenizer"),
    positional=True,
    served_name_flags=("--served_model_name",),
    path_as_name="last",
    cache=HubCache(),
    source="TensorRT-LLM 4c05a74, 00209af (1.1 and 1.2); documentation of 1.3",
)
# Its front end, in another pod, loads the tokenizer by the name that the worker publishes.
DYNAMO: Final = Server(
    name="Dynamo",
    images=(r"ai-dynamo/(?:vllm|sglang|tensorrtllm)-runtime", r"ai-dynamo-.*-runtime"),
    commands=(
        "-m dynamo.vllm",
        "-m dynamo.sglang",
        "-m dynamo.trtllm",
        "-m dynamo.tokenspeed",
    ),
    model_flags=("--model", "--model-path", "DYN_TRTLLM_MODEL"),
    more_flags=(
        "--tokenizer",
        "--tokenizer-path",
        "--speculative-config",
        "--speculative-draft-model-path",
        "--lora-modules",
    ),
    more_revisions={
        "--tokenizer-revision": ("--tokenizer", "--tokenizer-path"),
        "--code-revision": (),
    },
    served_name_flags=("--served-model-name",),
    needs_hub_name="its front end loads the tokenizer by that name",
    cache=HubCache(flags=("--download-dir",)),
    source="wheel of ai-dynamo 1.6.1",
)
# Workers publish the name of the model; it loads the tokenizer from the hub or its cache.
DYNAMO_FRONTEND: Final = Server(
    name="Dynamo-frontend",
    images=(r"dynamo-frontend",),
    commands=("-m dynamo.frontend",),
    model_flags=("--model-path", "--model-name"),
    path_as_name="unused",
    needs_hub_name="its workers publish that name",
    named_elsewhere=True,
    asks_hub="older builds of it read no HF_HUB_CACHE",
    cache=HubCache(),
    source="ai-dynamo/dynamo 06a3afc, b934bc5: lib/llm/src/hub.rs",
)
# It clones a repository by git into a cache of its own, so the name is replaced.
MLC: Final = Server(
    name="MLC",
    images=(r"mlc-llm(?:-.*)?", r"dustynv/mlc"),
    commands=("mlc_llm serve", "-m mlc_llm serve"),
    model_flags=("--model",),
    more_flags=("--additional-models", "--embedding-model"),
    positional=True,
    path_as_name="unused",
    own_format="MLC's own format",
    names_of_own_format=r"(?i)mlc-ai/.*|.*-MLC",
    source="mlc-llm, 0.19 and 0.20",
)
ROWS: Final = (SGLANG, LMDEPLOY, TENSORRT_LLM, DYNAMO, DYNAMO_FRONTEND, MLC)
