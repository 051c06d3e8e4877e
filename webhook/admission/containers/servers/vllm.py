"""Rows of vLLM and of servers that took its code: one parser, one way to find models."""

from dataclasses import replace
from typing import Final

from webhook.admission.containers.server import HubCache, Server

VLLM: Final = Server(
    name="vLLM",
    # Also the rebuilds of Google, Red Hat, llm-d, AIBrix, LMCache, AMD and NVIDIA.
    images=(
        r"(?:.*-)?vllm-openai(?:-.*)?",
        r"vllm[\w-]*",
        r"pytorch-vllm(?:-optimized)?-serve.*",
        r"vllm-inference.*",
        r"llm-d(?:-(?:cuda|xpu|cpu|hpu|rocm|aws|gke|dev)(?:-.*)?)?",
        r"huggingface-vllm",
    ),
    other_images=(r"vllm-(?:runtime|model-free-nim)[\w-]*",),
    commands=(
        "vllm serve",
        "-m vllm.entrypoints.openai.api_server",
        "-m vllm.entrypoints.api_server",
        "-m vllm_tgis_adapter",
    ),
    entrypoint="vllm",
    model_flags=("--model", "SM_VLLM_MODEL"),
    more_flags=(
        "--tokenizer",
        "--speculative-model",
        "--speculative-config",
        "-sc",
        "--spec-model",
        "--lora-modules",
        "--default-mm-loras",
        "--hf-config-path",
    ),
    line_variables=("VLLM_ARGS", "VLLM_ADDITIONAL_ARGS"),
    config_flags=("--config",),
    positional=True,
    # The word is parsed and dropped, so the default model is served (vllm#32294, 0.10.2 to 0.33).
    ignoring_words=("-m vllm.entrypoints.openai.api_server", "-m vllm.entrypoints.api_server"),
    # Both are the revision of the model, if they are not set.
    more_revisions={"--tokenizer-revision": ("--tokenizer",), "--code-revision": ()},
    file_formats=(".gguf",),
    served_name_flags=("--served-model-name",),
    cache=HubCache(flags=("--download-dir",)),
    source="wheels of vllm 0.6.6 to 0.33.0; Dockerfiles of v0.8 and later",
)
# It is started as vLLM is. It compiles a model below its directory, which is read-only, unless
# this is set.
NEURON: Final = replace(
    VLLM,
    name="vLLM-Neuron",
    images=(r"pytorch-inference-vllm-neuronx",),
    other_images=(),
    env={"NEURON_COMPILED_ARTIFACTS": "/tmp/neuron-compiled-artifacts"},  # noqa: S108  # theirs
    source="vllm-neuron a5ef7c8; aws-neuron/deep-learning-containers, November 2026",
)
OPTIMUM_NEURON: Final = Server(
    name="Optimum-Neuron",
    images=(r"optimum-neuron-vllm", r"huggingface-vllm-inference-neuronx"),
    commands=("optimum-cli neuron serve",),
    model_flags=("--model", "-m", "SM_ON_MODEL"),
    served_name_flags=("--served-model-name",),
    cache=HubCache(),
    own_format="a form compiled for Neuron",
    names_of_own_format=r"(?i).*neuron.*",
    source="optimum-neuron 213224e (0.4.5)",
)
APHRODITE: Final = Server(
    name="Aphrodite",
    images=(r"aphrodite-(?:openai|engine)(?:-.*)?",),
    commands=(
        "aphrodite run",
        "aphrodite serve",
        "-m aphrodite.endpoints.openai.api_server",
        "-m aphrodite.entrypoints.openai.api_server",
    ),
    entrypoint="aphrodite",
    model_flags=("--model", "SM_APHRODITE_MODEL"),
    more_flags=VLLM.more_flags,
    positional=True,
    ignoring_words=(
        "-m aphrodite.endpoints.openai.api_server",
        "-m aphrodite.entrypoints.openai.api_server",
    ),
    more_revisions=VLLM.more_revisions,
    file_formats=VLLM.file_formats,
    served_name_flags=VLLM.served_name_flags,
    cache=VLLM.cache,
    source="wheel of aphrodite-engine 0.24.1",
)
ROWS: Final = (VLLM, NEURON, OPTIMUM_NEURON, APHRODITE)
