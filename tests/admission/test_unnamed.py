"""What is said of a server that does not name the model: what it names in its place."""

from typing import Any

import pytest

from tests.admission.admitting import Webhook

VLLM = "vllm/vllm-openai:v0.11.0"
SECRET = {"secretKeyRef": {"name": "s", "key": "k"}}
ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "no argument": ({}, "vLLM names no model, so it will not read"),
    "another path": (
        {"args": ["--model=/data/x"]},
        'vLLM names "/data/x", so it will not read',
    ),
    "another path behind the verb": (
        {"command": ["vllm", "serve", "/data/x", "--port", "8000"]},
        'vLLM names "/data/x", so it will not read',
    ),
    "a script": (
        {"command": ["sh", "/app/start.sh"]},
        "vLLM names no model, so it will not read",
    ),
    "a variable of a ConfigMap": (
        {"args": ["--model", "$(NAME)"], "envFrom": [{"configMapRef": {"name": "c"}}]},
        'vLLM gets its model from "$(NAME)", where this review can\'t look, so it may download',
    ),
    "the output of a command": (
        {"command": ["sh", "-c", "vllm serve --model=$(cat /etc/model)"]},
        'vLLM gets its model from "$(…)", where this review can\'t look, so it may download',
    ),
    "a file of arguments": (
        {"command": ["vllm", "serve", "--config", "/etc/vllm.yaml"]},
        'vLLM may get its model from "/etc/vllm.yaml", where this review can\'t look, so it may download',
    ),
    "a path next to a file of arguments": (
        {"command": ["vllm", "serve", "/data/x", "--config", "/etc/vllm.yaml"]},
        'vLLM names "/data/x", so it will not read',
    ),
    "a path in front of the output of a command": (
        {"command": ["sh", "-c", "vllm serve /data/$(basename $MODEL)"]},
        'vLLM names "/data/$(…)", so it will not read',
    ),
    "an argument that wins over its variable": (
        {
            "image": "ghcr.io/huggingface/text-generation-inference:3.3.5",
            "command": ["sh", "-c", "text-generation-launcher --model-id=$(cat /etc/model)"],
            "env": [{"name": "MODEL_ID", "value": "acme/coder"}],
        },
        'TGI gets its model from "$(…)", where this review can\'t look, so it may download',
    ),
    "a variable of a Secret that the server reads": (
        {
            "image": "ghcr.io/huggingface/text-generation-inference:3.3.5",
            "env": [{"name": "MODEL_ID", "valueFrom": SECRET}],
        },
        "TGI gets MODEL_ID from where this review can't look, so it may download",
    ),
}


LLAMA = "ollama://library/llama3.2:3b"
OLLAMA: dict[str, tuple[str, dict[str, Any], str]] = {
    "a variable of the author's": (
        LLAMA,
        {"image": "ollama/ollama:0.12", "env": [{"name": "OLLAMA_MODELS", "value": "/data"}]},
        (
            f"MC117 container server: Ollama names no model, so it will not read {LLAMA}: write "
            "OLLAMA_MODELS=$(MODELCACHE_PATH)"
        ),
    ),
    "a second model": (
        f"{LLAMA},ollama://library/all-minilm",
        {"image": "ollama/ollama:0.12"},
        (
            "MC117 container server: Ollama names no model, so it will not read "
            "ollama://library/all-minilm: give it a pod of its own, since Ollama reads one directory"
        ),
    ),
    "another server": (
        LLAMA,
        {},
        f"MC134 container server: vLLM can't read {LLAMA}: name a source with files that it reads",
    ),
}


@pytest.mark.parametrize("row", OLLAMA)
def test_the_advice_for_models_of_ollama_can_be_followed(row: str) -> None:
    model, container, said = OLLAMA[row]
    pod = {
        "metadata": {"name": "p", "annotations": {"modelcache.io/model": model}},
        "spec": {"containers": [{"name": "server", "image": VLLM, **container}]},
    }
    assert [w for w in Webhook().admit(pod).warnings if w[:5] in ("MC117", "MC134")] == [said]


def test_a_name_as_ollama_writes_it_is_refused_with_its_source() -> None:
    pod = {
        "metadata": {"name": "p", "annotations": {"modelcache.io/model": "llama3.2:3b"}},
        "spec": {"containers": [{"name": "server", "image": "ollama/ollama:0.12"}]},
    }
    denial = Webhook().admit(pod).denial
    assert '"llama3.2:3b": a model of Ollama is ollama://library/llama3.2:3b' in str(denial)


@pytest.mark.parametrize("row", ROWS)
def test_the_warning_says_what_it_names(row: str) -> None:
    container, said = ROWS[row]
    pod = {
        "metadata": {"name": "p", "annotations": {"modelcache.io/model": "acme/coder"}},
        "spec": {"containers": [{"name": "server", "image": VLLM, **container}]},
    }
    (warning,) = [w for w in Webhook().admit(pod).warnings if w.startswith("MC117")]
    assert warning.startswith(f"MC117 container server: {said} acme/coder: write ")


def test_the_path_of_another_model_is_named_by_its_variable() -> None:
    container = {"name": "server", "image": VLLM, "args": ["--model", "$(MODELCACHE_PATH_2)"]}
    annotations = {"modelcache.io/model": "acme/coder,acme/draft"}
    pod = {
        "metadata": {"name": "p", "annotations": annotations},
        "spec": {"containers": [container]},
    }
    (warning,) = [line for line in Webhook().admit(pod).warnings if line.startswith("MC117")]
    assert 'vLLM names "$(MODELCACHE_PATH_2)", so it will not read acme/coder' in warning
