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
    "a variable of a Secret that the server reads": (
        {
            "image": "ghcr.io/huggingface/text-generation-inference:3.3.5",
            "env": [{"name": "MODEL_ID", "valueFrom": SECRET}],
        },
        "TGI gets MODEL_ID from where this review can't look, so it may download",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_warning_says_what_it_names(row: str) -> None:
    container, said = ROWS[row]
    pod = {
        "metadata": {"name": "p", "annotations": {"modelcache.io/model": "acme/coder"}},
        "spec": {"containers": [{"name": "server", "image": VLLM, **container}]},
    }
    (warning,) = [w for w in Webhook().admit(pod).warnings if w.startswith("MC117")]
    assert warning.startswith(f"MC117 container server: {said} acme/coder: write ")
