"""Rewritten arguments (T88, T89), as whole command lines."""

import pytest

from tests.admission.admitting import Webhook, pod_of

VLLM, SGLANG, TGI = "vllm/vllm-openai", "lmsysorg/sglang", "text-generation-inference"
LMDEPLOY, TEI, UNKNOWN = "openmmlab/lmdeploy", "text-embeddings-inference", "example.com/mine"
P, M = "/models/acme--coder/main", "acme/coder"
NAMED = ["--served-model-name", M]


@pytest.mark.parametrize(
    ("image", "command", "args", "command_after", "args_after"),
    [
        (VLLM, None, ["--model", M], None, ["--model", P, *NAMED]),
        (VLLM, None, [f"--model={M}"], None, [f"--model={P}", *NAMED]),
        (VLLM, ["vllm", "serve", M], None, ["vllm", "serve", P, *NAMED], None),
        (VLLM, ["vllm", "serve"], [M], ["vllm", "serve"], [P, *NAMED]),
        (VLLM, ["vllm"], ["serve", M, "-q"], ["vllm"], ["serve", P, *NAMED, "-q"]),
        (VLLM, ["python", "--model"], [M], ["python", "--model"], [P, *NAMED]),
        (VLLM, None, ["--model", M, "--tokenizer", M], None,
         ["--model", P, *NAMED, "--tokenizer", P]),
        (VLLM, None, ["--model", M, "--served-model-name", "x"], None,
         ["--model", P, "--served-model-name", "x"]),
        (VLLM, None, ["--served-model-name=x", "--model", M], None,
         ["--served-model-name=x", "--model", P]),
        (SGLANG, None, ["--model-path", M], None, ["--model-path", P, *NAMED]),
        (TGI, None, ["--model-id", M], None, ["--model-id", P]),
        (TEI, None, ["--model-id", M], None, ["--model-id", P, *NAMED]),
        (LMDEPLOY, ["lmdeploy", "serve", "api_server", M], None,
         ["lmdeploy", "serve", "api_server", P, "--model-name", M], None),
        (UNKNOWN, None, ["--model", M], None, ["--model", P, *NAMED]),
    ],
)  # fmt: skip
def test_t88_exact_words_are_replaced(
    image: str,
    command: list[str] | None,
    args: list[str] | None,
    command_after: list[str] | None,
    args_after: list[str] | None,
    webhook: Webhook,
) -> None:
    words = {k: v for k, v in (("command", command), ("args", args)) if v is not None}
    pod = pod_of({"strategy": "pvc", "rewrite_args": "true"}, container={"image": image, **words})
    answer = webhook.admit(pod)
    assert answer.warnings == []
    assert (answer.container().get("command"), answer.container().get("args")) == (
        command_after,
        args_after,
    )
    assert webhook.admit(answer.admitted, raw=True).adds_nothing


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"command": ["sh", "-c", f"vllm serve {M}"]}, "names the model inside a longer word"),
        ({"command": ["sh", "-c"], "args": [f"exec vllm serve {M} --port 1"]},
         "names the model inside a longer word"),
        ({"args": ["--model", "acme/other"]}, "names no such model"),
        ({"args": ["--port", M]}, "names no such model"),
        ({}, "names no such model"),
    ],
)  # fmt: skip
def test_t89_a_model_inside_a_longer_word_is_kept_with_a_warning(
    words: dict[str, list[str]], why: str, webhook: Webhook
) -> None:
    pod = pod_of({"strategy": "pvc", "rewrite_args": "true"}, container=words)
    answer = webhook.admit(pod)
    assert answer.warnings == [
        f"MC107 modelcache.io/rewrite-args: vllm {why}; nothing was replaced"
    ]
    assert {k: answer.container().get(k) for k in words} == words


def test_served_name_follows_the_first_model_not_one_whose_path_ends_alike(
    webhook: Webhook,
) -> None:
    asked = {
        "model": "acme/coder,acme/draft",
        "mount_path": "/m,/models/m",
        "strategy": "pvc",
        "rewrite_args": "true",
    }
    args = ["--speculative-model", "acme/draft", "--model", M]
    answer = webhook.admit(pod_of(asked, container={"image": VLLM, "args": args}))
    assert answer.container()["args"] == [
        "--speculative-model", "/models/m", "--model", "/m", "--served-model-name", M,
    ]  # fmt: skip


def test_arguments_are_rewritten_only_on_request(webhook: Webhook) -> None:
    answer = webhook.admit(pod_of({"strategy": "pvc"}, container={"args": ["--model", M]}))
    assert answer.container()["args"] == ["--model", M]


def test_cache_layout_leaves_arguments_and_says_so(webhook: Webhook) -> None:
    asked = {"strategy": "pvc", "rewrite_args": "true", "layout": "hf-cache"}
    answer = webhook.admit(pod_of(asked, container={"args": ["--model", M]}))
    assert answer.container()["args"] == ["--model", M]
    assert answer.codes == ["MC102"]
