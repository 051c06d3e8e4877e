"""Rows of servers of Hugging Face and of servers that took their launchers, and of embeddings."""

from dataclasses import replace
from typing import Final

from webhook.admission.containers.server import PATH, HubCache, Server

_TGI_CACHE: Final = HubCache(
    flags=("--huggingface-hub-cache",),
    variables=("HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE"),
    older=("TRANSFORMERS_CACHE",),
    home="/data",
    overrides=("--weights-cache-override", "WEIGHTS_CACHE_OVERRIDE"),
)
# Three readers: Python reads HUGGINGFACE_HUB_CACHE and HF_HUB_CACHE in different places, and the
# launcher only $HF_HOME/hub. No name is compared, and there is no argument for one.
TGI: Final = Server(
    name="TGI",
    images=(
        r"(?:huggingface-)?text-generation-inference(?:-.*)?",
        r"tgi(?:-.*)?",
        r"neuronx-tgi",
    ),
    commands=("text-generation-launcher", "text-generation-router-llamacpp"),
    env={"MODEL_ID": PATH},
    model_flags=("--model-id", "MODEL_ID", "HF_MODEL_ID"),
    more_flags=("--tokenizer-config-path", "--lora-adapters", "LORA_ADAPTERS"),
    path_as_name="unused",
    cache=_TGI_CACHE,
    source="text-generation-inference 0.9 to 3.3.7 (db931fc)",
)
# Its entrypoint sets MODEL_ID from HF_MODEL_ID, and ignores arguments.
TGI_SAGEMAKER: Final = replace(
    TGI,
    name="TGI-SageMaker",
    images=(r"huggingface-pytorch-tgi-inference",),
    commands=(),
    env={"HF_MODEL_ID": PATH},
    model_flags=("HF_MODEL_ID",),
    source="awslabs/llm-hosting-container 421a60a",
)
# It never reads HF_HUB_CACHE or HF_HUB_OFFLINE. 1.8 refuses --served-model-name, and takes the
# variable.
TEI: Final = Server(
    name="TEI",
    images=(r"(?:huggingface-)?text-embeddings-inference(?:-.*)?", r"tei(?:-.*)?"),
    commands=("text-embeddings-router",),
    env={"MODEL_ID": PATH},
    model_flags=("--model-id", "MODEL_ID", "HF_MODEL_ID"),
    served_name_flags=("--served-model-name",),
    served_name_variable="SERVED_MODEL_NAME",
    path_as_name="unused",
    cache=HubCache(
        flags=("--huggingface-hub-cache",),
        variables=("HUGGINGFACE_HUB_CACHE",),
        older=(),
        offline={},
    ),
    source="text-embeddings-inference 1.0 to 1.9.3 (0d124dc)",
)
LORAX: Final = Server(
    name="LoRAX",
    images=(r"lorax(?:-.*)?",),
    commands=("lorax-launcher",),
    env={"MODEL_ID": PATH},
    model_flags=("--model-id", "MODEL_ID", "HF_MODEL_ID"),
    more_flags=("--adapter-id", "ADAPTER_ID", "--preloaded-adapter-ids", "PRELOADED_ADAPTER_IDS"),
    needs_hub_name="it takes any other name in a request for an adapter",
    cache=replace(_TGI_CACHE, home="/root/.cache/huggingface"),
    source="predibase/lorax a7394ba",
)
# Clients name the model by --model_name, whose default is "model".
KSERVE: Final = Server(
    name="KServe",
    images=(r"(?:odh-)?huggingfaceserver(?:-.*)?",),
    commands=("-m huggingfaceserver",),
    model_flags=("--model_id", "--model_dir", "MODEL_ID", "MODEL_DIR"),
    takes_path=("--model-dir", "MODEL_DIR"),
    more_flags=("--tokenizer", "--speculative-config", "--lora-modules"),
    more_revisions={
        "--tokenizer-revision": ("--tokenizer",),
        "--code-revision": (),
    },
    served_name_flags=("--model_name", "--served_model_name"),
    path_as_name="unused",
    cache=HubCache(flags=("--download-dir",)),
    source="kserve aaac4e2: huggingfaceserver/__main__.py",
)
# It downloads into HF_MODEL_DIR, and reads what is there if it is given no HF_MODEL_ID. It refuses
# both.
INFERENCE: Final = Server(
    name="HF-Inference",
    images=(r"huggingface-pytorch-inference(?:-.*)?",),
    env={"HF_MODEL_DIR": PATH},
    model_flags=("HF_MODEL_ID", "HF_MODEL_DIR"),
    takes_path=("HF_MODEL_DIR",),
    path_flag="HF_MODEL_DIR",
    revisions=("HF_REVISION",),
    path_as_name="unused",
    source="huggingface-inference-toolkit 833b5a2; Google-Cloud-Containers: entrypoint.sh",
)
# There HF_MODEL_DIR is only where it downloads to.
INFERENCE_SAGEMAKER: Final = Server(
    name="HF-Inference-SageMaker",
    images=(r"\d+\.dkr\.ecr\..*/huggingface-(?:pytorch|tensorflow)-inference(?:-.*)?",),
    model_flags=("HF_MODEL_ID",),
    reads_at="/opt/ml/model",
    revisions=("HF_MODEL_REVISION",),
    path_as_name="unused",
    needs_hub_name="it downloads what HF_MODEL_ID names",
    source="sagemaker-huggingface-inference-toolkit 0a0cc3d: mms_model_server.py",
)
# The engine optimum asks the hub for a list of files even offline, but lists a directory itself.
INFINITY: Final = Server(
    name="Infinity",
    images=(r"infinity",),
    commands=("infinity_emb", "-m infinity_emb"),
    entrypoint="infinity_emb",
    env={"INFINITY_MODEL_ID": PATH},
    model_flags=("--model-id", "--model-name-or-path", "INFINITY_MODEL_ID"),
    served_name_flags=("--served-model-name",),
    served_name_variable="INFINITY_SERVED_MODEL_NAME",
    # One name is for all of its models, which need names of their own (args.py, cli.py).
    name_separator=";",
    path_as_name="last two",
    revisions=("--revision", "INFINITY_REVISION"),
    prefers_path=True,
    cache=HubCache(
        older=("HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "SENTENCE_TRANSFORMERS_HOME")
    ),
    source="infinity 0.0.32 to 0.0.77 (fcb951c)",
)
ROWS: Final = (
    TGI_SAGEMAKER, TGI, TEI, LORAX, KSERVE, INFERENCE_SAGEMAKER, INFERENCE, INFINITY,
)  # fmt: skip
