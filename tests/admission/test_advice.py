"""What the warnings about a container say, word by word: advice that works if it is followed."""

from typing import Any

import pytest

from tests.admission.admitting import Webhook

VLLM = "vllm/vllm-openai:v0.11.0"
LLAMA = "ghcr.io/ggml-org/llama.cpp:server"
TEI = "ghcr.io/huggingface/text-embeddings-inference:cpu-1.8"
TRITON = "nvcr.io/nvidia/tritonserver:25.10-vllm-python-py3"
AWS = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
FROM = {"configMapKeyRef": {"name": "c", "key": "k"}}
SERVE = "vllm serve acme/coder"
NEWER = "and it can't write a newer revision into the read-only cache"
ASKS = f"which lets it ask the hub at its start, {NEWER}"
ROWS: dict[str, tuple[dict[str, str], dict[str, Any], list[str]]] = {
    "online mode in env": (
        {},
        {"args": ["--model=acme/coder"], "env": {"HF_HUB_OFFLINE": "0"}},
        [
            (
                f"MC130 HF_HUB_OFFLINE=0 lets it ask the hub at its start, {NEWER}: remove "
                "HF_HUB_OFFLINE, or set rewrite-args"
            )
        ],
    ),
    "online mode for one command": (
        {},
        {"command": ["bash", "-c", f"HF_HUB_OFFLINE=0 {SERVE}"]},
        [f"MC130 command[2] sets HF_HUB_OFFLINE=0, {ASKS}: remove it there, or set rewrite-args"],
    ),
    "online mode by unset": (
        {},
        {"command": ["bash", "-c", f"unset HF_HUB_OFFLINE; {SERVE}"]},
        [f"MC130 command[2] removes HF_HUB_OFFLINE, {ASKS}: leave it there, or set rewrite-args"],
    ),
    "offline mode from a variable that is not known": (
        {},
        {"command": ["bash", "-c", f"export HF_HUB_OFFLINE=$MODE; {SERVE}"]},
        [
            (
                "MC130 command[2] sets HF_HUB_OFFLINE from where this review can't look: unless it is "
                f"1, the server asks the hub at its start, {NEWER}: write HF_HUB_OFFLINE=1 there, or "
                "set rewrite-args"
            )
        ],
    ),
    "offline mode from a ConfigMap": (
        {},
        {"args": ["--model=acme/coder"], "env": {"HF_HUB_OFFLINE": None}},
        [
            (
                "MC130 HF_HUB_OFFLINE comes from where this review can't look: unless it is 1, the "
                f"server asks the hub at its start, {NEWER}: set HF_HUB_OFFLINE to 1 in the pod, or "
                "set rewrite-args"
            )
        ],
    ),
    "a cache and no offline mode by sudo": (
        {},
        {"command": ["sudo", "HF_HUB_CACHE=/c", "vllm", "serve", "acme/coder"]},
        [
            (
                f"MC130 sudo takes HF_HUB_OFFLINE away, {ASKS}: pass HF_HUB_OFFLINE to the server, or "
                "set rewrite-args"
            )
        ],
    ),
    "no variables by su": (
        {},
        {"command": ["sh", "-c", f'su - vllm -c "{SERVE}"']},
        [
            (
                "MC116 command[2] names acme/coder, which it will download, because it is started by "
                "su -, without HF_HUB_CACHE: write $(MODELCACHE_PATH) there and "
                "--served-model-name=acme/coder"
            )
        ],
    ),
    "no variables by sudo, for a server that reads one": (
        {},
        {
            "image": "ghcr.io/huggingface/text-generation-inference:3.3.5",
            "command": ["sudo", "text-generation-launcher"],
        },
        [
            (
                "MC117 TGI names no model, so it will not read acme/coder: write "
                "--model-id=$(MODELCACHE_PATH)"
            )
        ],
    ),
    "another model, where rewriting helps": (
        {},
        {"args": ["--model=acme/coder", "--tokenizer=acme/base"]},
        [
            (
                'MC118 args[1] names "acme/base", which it can\'t download with HF_HUB_OFFLINE=1: add '
                "it to modelcache.io/model, or set modelcache.io/rewrite-args"
            )
        ],
    ),
    "another model, where rewriting can't help": (
        {},
        {"command": ["sh", "-c", "M=acme/coder; vllm serve $M --tokenizer acme/base"]},
        [
            (
                'MC118 command[2] names "acme/base", which it can\'t download with HF_HUB_OFFLINE=1: '
                "add it to modelcache.io/model"
            )
        ],
    ),
    "another model, downloaded as MC118 says": (
        {"rewrite-args": "true"},
        {"args": ["--model=acme/coder", "--tokenizer=acme/base"]},
        [],
    ),
    "models that the review can't see": (
        {},
        {"image": TRITON, "args": ["tritonserver", "--model-repository=/repository"]},
        [
            (
                "MC131 Triton names its models where this review can't look: it finds acme/coder in "
                "the cache, but can't download others with HF_HUB_OFFLINE=1: add them to "
                "modelcache.io/model"
            )
        ],
    ),
    "models that the review can't see, and online mode": (
        {},
        {
            "image": TRITON,
            "args": ["tritonserver", "--model-repository=/repository"],
            "env": {"HF_HUB_OFFLINE": "0"},
        },
        [
            (
                f"MC130 HF_HUB_OFFLINE=0 lets it ask the hub at its start, {NEWER}: remove "
                "HF_HUB_OFFLINE"
            )
        ],
    ),
    "no offline mode": (
        {},
        {"image": TEI, "args": ["--model-id", "acme/coder"]},
        [
            (
                "MC130 TEI has no offline mode: it reads acme/coder from the cache, but asks the hub "
                "at its start; rewrite-args avoids that"
            )
        ],
    ),
    "no offline mode, and rewriting that can't help": (
        {"rewrite-args": "true"},
        {
            "image": TEI,
            "command": ["sh", "-c", "text-embeddings-router --model-id $MODEL"],
            "env": {"MODEL": "acme/coder"},
        },
        [
            (
                "MC130 TEI has no offline mode: it reads acme/coder from the cache, but asks the hub "
                "at its start: to avoid that, write $(MODELCACHE_PATH) in env MODEL"
            ),
            (
                "MC107 modelcache.io/rewrite-args: server names the model in env MODEL, where a path "
                "may not be right; nothing was replaced: write the path there yourself"
            ),
        ],
    ),
    "a file for a server that reads it by its argument": (
        {"file": "x.gguf"},
        {"args": ["--model", "/data/x.gguf"]},
        [
            (
                'MC117 vLLM names "/data/x.gguf", so it will not read acme/coder: write '
                "--model=$(MODELCACHE_FILE)"
            )
        ],
    ),
    "a file for SGLang": (
        {"file": "x.gguf"},
        {"image": "lmsysorg/sglang:v0.5.6"},
        [
            (
                "MC117 SGLang names no model, so it will not read acme/coder: write "
                "--model-path=$(MODELCACHE_FILE)"
            )
        ],
    ),
    "a file of another format": (
        {"file": "tokenizer.json"},
        {},
        [
            "MC117 vLLM names no model, so it will not read acme/coder: write --model=$(MODELCACHE_PATH)"
        ],
    ),
    "a path that ends as the name": (
        {},
        {
            "command": ["python3", "-m", "vllm.entrypoints.openai.api_server"],
            "args": ["--model", "/models/acme/coder"],
        },
        [
            (
                'MC117 vLLM names "/models/acme/coder", so it will not read acme/coder: write '
                "--model=$(MODELCACHE_PATH)"
            )
        ],
    ),
    "a hub name as a path": (
        {},
        {"image": LLAMA, "args": ["-m", "acme/coder"]},
        [
            (
                "MC117 llama.cpp takes acme/coder for a path, and for no name, so it will not read "
                "acme/coder: write --model $(MODELCACHE_PATH)/FILE"
            )
        ],
    ),
    "a hub name as a path, with a cache only": (
        {"layout": "hf-cache"},
        {"image": LLAMA, "args": ["--model", "acme/coder"]},
        [
            (
                "MC117 llama.cpp takes acme/coder for a path, and for no name, so it will not read "
                "acme/coder: write -hf acme/coder"
            )
        ],
    ),
    "a cache only for llama.cpp": (
        {"layout": "hf-cache"},
        {"image": LLAMA},
        ["MC117 llama.cpp names no model, so it will not read acme/coder: write -hf acme/coder"],
    ),
    "a word that the shell does not use": (
        {},
        {"command": ["bash", "-c", 'vllm serve "$1"'], "args": ["acme/coder"]},
        [
            (
                "MC117 vLLM is given it in args[0], which the shell in command[2] does not use, so it "
                'will not read acme/coder: write $(MODELCACHE_PATH) in place of "$1" in command[2]'
            )
        ],
    ),
    "another path behind the verb": (
        {},
        {"command": ["vllm", "serve", "/data/x", "--port", "80"]},
        [
            (
                'MC117 vLLM names "/data/x", so it will not read acme/coder: write '
                '$(MODELCACHE_PATH) in place of "/data/x"'
            )
        ],
    ),
    "nothing behind the verb": (
        {},
        {"command": ["vllm", "serve", "--port", "80"]},
        [
            (
                "MC117 vLLM names no model, so it will not read acme/coder: write "
                "$(MODELCACHE_PATH) behind vllm serve"
            )
        ],
    ),
    "a second model that is not named": (
        {"model": "acme/coder,acme/draft"},
        {"args": ["--model=acme/coder"]},
        [
            (
                'MC117 vLLM names "acme/coder", so it will not read acme/draft: write '
                "$(MODELCACHE_PATH_2) behind the argument that loads it, or remove it from "
                "modelcache.io/model"
            )
        ],
    ),
    "a second model for a server that reads one": (
        {"model": "acme/coder,acme/draft", "rewrite-args": "true"},
        {"image": TEI, "args": ["--model-id=acme/coder"]},
        [
            (
                'MC117 TEI names "acme/coder", so it will not read acme/draft: give it a pod of its '
                "own, since TEI reads one model"
            )
        ],
    ),
    "another revision for DJL": (
        {},
        {
            "image": "deepjavalibrary/djl-serving:0.36.0-lmi",
            "env": {"HF_MODEL_ID": "acme/coder", "OPTION_REVISION": "v1"},
        },
        [
            (
                "MC116 env HF_MODEL_ID names acme/coder, which it will download, because it asks for "
                'revision "v1", and the annotation for another: write modelcache.io/model: '
                "acme/coder@REVISION, or no revision"
            )
        ],
    ),
    "another revision in a variable that a shell splits": (
        {},
        {"command": ["sh", "-c", f"{SERVE} $ARGS"], "env": {"ARGS": "--port 80 --revision v1"}},
        [
            (
                "MC116 command[2] names acme/coder, which it will download, because it asks for "
                'revision "v1", and the annotation for another: write modelcache.io/model: '
                "acme/coder@REVISION, or no revision"
            )
        ],
    ),
    "a revision from a ConfigMap": (
        {},
        {"command": ["sh", "-c", f"{SERVE} --revision $REV"], "env": {"REV": None}},
        [
            (
                "MC116 command[2] names acme/coder, which it will download, because it asks for "
                'revision "$REV", which may be another than the annotation\'s: write '
                "modelcache.io/model: acme/coder@REVISION, or no revision"
            )
        ],
    ),
    "a variable of modelcache that the author has set": (
        {},
        {"args": ["--model=$(MODELCACHE_PATH)"], "env": {"MODELCACHE_PATH": "/x"}},
        [
            (
                'MC117 vLLM names "/x", so it will not read acme/coder: write '
                "--model=/models/acme--coder/main"
            )
        ],
    ),
    "a variable of modelcache that a ConfigMap sets": (
        {"layout": "directory"},
        {"args": ["--model=acme/coder"], "env": {"MODELCACHE_PATH": None}},
        [
            (
                "MC116 args[0] names acme/coder, which it will download, because it is given plain "
                "files by layout directory: write --model=/models/acme--coder/main and "
                "--served-model-name=acme/coder"
            )
        ],
    ),
    "a variable of the file that the author has set": (
        {"file": "q4.gguf"},
        {
            "image": LLAMA,
            "args": ["-m", "$(MODELCACHE_FILE)"],
            "env": {"MODELCACHE_FILE": "/x.gguf", "LLAMA_ARG_MODEL": "/x.gguf"},
        },
        [
            (
                'MC117 llama.cpp names "/x.gguf", so it will not read acme/coder: write --model '
                "/models/acme--coder/main/q4.gguf"
            )
        ],
    ),
    "a download next to a variable of modelcache that the author has set": (
        {},
        {
            "command": ["sh", "-c", "hf download acme/coder --local-dir /d; vllm serve /d"],
            "env": {"MODELCACHE_PATH": "/x"},
        },
        [
            (
                "MC116 command[2] names acme/coder, which it will download, because it hands it to a "
                "command that downloads into another directory: write /models/acme--coder/main in "
                "place of that directory, and no download"
            )
        ],
    ),
    "a place for weights from a ConfigMap": (
        {},
        {
            "command": ["sh", "-c", "M=acme/coder; vllm serve $M --download-dir $W"],
            "env": {"W": None},
        },
        [
            (
                "MC116 command[2] names acme/coder, which it will download, because it looks at "
                '--download-dir, which is "$W", whose value is not known here: write '
                "$MODELCACHE_PATH there and --served-model-name=acme/coder"
            )
        ],
    ),
    "a draft in a variable that a shell reads": (
        {},
        {"command": ["sh", "-c", f"{SERVE} --spec-model $DRAFT"], "env": {"DRAFT": "acme/draft"}},
        [
            (
                'MC118 command[2] names "acme/draft", which it can\'t download with '
                "HF_HUB_OFFLINE=1: add it to modelcache.io/model, or set modelcache.io/rewrite-args"
            )
        ],
    ),
    "another revision of the tokenizer": (
        {},
        {"args": ["--model=acme/coder", "--tokenizer-revision=v2"]},
        [
            (
                "MC116 args[0] names acme/coder, which it will download, because it asks for revision "
                '"v2" by --tokenizer-revision, and the annotation for another: write the same revision '
                "in modelcache.io/model, or no --tokenizer-revision"
            )
        ],
    ),
    "a revision of another tokenizer": (
        {"rewrite-args": "true"},
        {"args": ["--model=acme/coder", "--tokenizer=acme/base", "--tokenizer-revision=v2"]},
        [],
    ),
    "another revision of a draft in JSON": (
        {"model": "acme/coder,acme/draft"},
        {
            "args": [
                "--model=acme/coder",
                '--speculative-config={"model":"acme/draft","revision":"v2"}',
            ]
        },
        [
            (
                "MC116 args[1] names acme/draft, which it will download, because it asks for revision "
                '"v2" by its JSON, and the annotation for another: write the same revision in '
                "modelcache.io/model, or no revision in args[1]"
            )
        ],
    ),
    "a directory that nothing names": (
        {},
        {"image": f"{AWS}/huggingface-pytorch-inference:2.6", "env": {"HF_MODEL_ID": "acme/coder"}},
        [
            (
                "MC116 env HF_MODEL_ID names acme/coder, which it will download, because it is not "
                "known to read a Hugging Face cache: write modelcache.io/mount-path: /opt/ml/model, "
                "and no HF_MODEL_ID"
            )
        ],
    ),
    "a directory that nothing names, mounted": (
        {"mount-path": "/opt/ml/model"},
        {"image": f"{AWS}/huggingface-pytorch-inference:2.6"},
        [],
    ),
    "a variable for directories": (
        {},
        {"image": "mine/huggingface-pytorch-inference-cpu:2", "env": {"HF_MODEL_ID": "acme/coder"}},
        [
            (
                "MC116 env HF_MODEL_ID names acme/coder, which it will download, because it is not "
                "known to read a Hugging Face cache: write HF_MODEL_DIR=$(MODELCACHE_PATH) in place of "
                "HF_MODEL_ID"
            )
        ],
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_warning_says_what_works(row: str) -> None:
    asked, container, said = ROWS[row]
    env = [
        {"name": name, **({"valueFrom": FROM} if value is None else {"value": value})}
        for name, value in container.get("env", {}).items()
    ]
    annotations = {f"modelcache.io/{key}": v for key, v in {"model": "acme/coder", **asked}.items()}
    pod = {
        "metadata": {"name": "p", "annotations": {"modelcache.io/shm-size": "0", **annotations}},
        "spec": {"containers": [{"name": "server", "image": VLLM, **container, "env": env}]},
    }
    found = [w.replace(" container server:", "") for w in Webhook().admit(pod).warnings]
    assert [w for w in found if w[:5] not in ("MC103", "MC104")] == said
