"""Rewritten arguments (T88, T89), as whole command lines."""

import pytest

from tests.admission.admitting import Webhook, pod_of

VLLM, SGLANG, TGI = "vllm/vllm-openai", "lmsysorg/sglang", "text-generation-inference"
LMDEPLOY, TEI, UNKNOWN = "openmmlab/lmdeploy", "text-embeddings-inference", "example.com/mine"
P, M = "/models/acme--coder/main", "acme/coder"
NAMED = [f"--served-model-name={M}"]


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
        (TEI, None, ["--model-id", M], None, ["--model-id", P]),
        (LMDEPLOY, ["lmdeploy", "serve", "api_server", M], None,
         ["lmdeploy", "serve", "api_server", P, f"--model-name={M}"], None),
        (UNKNOWN, None, ["--model", M], None, ["--model", P]),
        (VLLM, None, ["--port", "80", M], None, ["--port", "80", P, *NAMED]),
        (VLLM, None, [M, "--served_model_name", "chat"], None, [P, "--served_model_name", "chat"]),
        (VLLM, None, [M, "--lora-modules", f"a={M}"], None, [P, *NAMED, "--lora-modules", f"a={P}"]),
        (UNKNOWN, ["/bin/sh", "-c", f"exec vllm serve {M} --port 1"], None,
         ["/bin/sh", "-c", f"exec vllm serve {P} {NAMED[0]} --port 1"], None),
        (VLLM, ["bash", "-ec"], [f'vllm serve "{M}" && sleep 1'], ["bash", "-ec"],
         [f'vllm serve "{P}" {NAMED[0]} && sleep 1']),
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
    ("words", "place"),
    [
        ({"command": ["sh", "-c", f"echo 'vllm serve {M}' | sh"]}, "command[2]"),
        ({"command": ["sh", "-c"], "args": [f"M={M}; vllm serve $M"]}, "args[0]"),
        ({"command": ["sh", "-c", f"hf download {M} && vllm serve {M}"]}, "command[2]"),
        ({"command": ["sh", "-c", f"vllm serve '{M}"]}, "command[2]"),
        ({"command": ["sh", "-c", f"vllm serve `echo {M}`"]}, "command[2]"),
        ({"command": ["python", "-c", f"serve('{M}')"]}, "command[2]"),
        ({"args": ["--port", M]}, "args[1]"),
        ({"args": [], "env": [{"name": "WHICH", "value": M}]}, "env WHICH"),
    ],
)  # fmt: skip
def test_t89_a_model_whose_place_is_not_certain_is_kept_with_a_warning(
    words: dict[str, list[str]], place: str, webhook: Webhook
) -> None:
    pod = pod_of({"strategy": "pvc", "rewrite_args": "true"}, container=words)
    answer = webhook.admit(pod)
    assert answer.warnings == [
        (
            f"MC107 modelcache.io/rewrite-args: vllm names the model in {place}, where a path may not "
            "be right; nothing was replaced: write the path there yourself"
        )
    ]
    assert {k: answer.container().get(k) for k in words if k != "env"} == {
        k: v for k, v in words.items() if k != "env"
    }
    assert answer.env()["HF_HUB_CACHE"] == "/modelcache/hub", "it is served from the cache"


@pytest.mark.parametrize("words", [["--model", "acme/other"], []])
def test_arguments_without_the_model_are_kept_with_a_warning(
    words: list[str], webhook: Webhook
) -> None:
    pod = pod_of({"strategy": "pvc", "rewrite_args": "true"}, container={"args": words})
    answer = webhook.admit(pod)
    assert answer.codes == ["MC117", "MC107"]
    assert answer.container()["args"] == words


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
        "--speculative-model", "/models/m", "--model", "/m", f"--served-model-name={M}",
    ]  # fmt: skip


def test_arguments_are_rewritten_only_on_request(webhook: Webhook) -> None:
    answer = webhook.admit(pod_of({"strategy": "pvc"}, container={"args": ["--model", M]}))
    assert answer.container()["args"] == ["--model", M]


def test_cache_layout_leaves_arguments_and_says_so(webhook: Webhook) -> None:
    asked = {"strategy": "pvc", "rewrite_args": "true", "layout": "hf-cache"}
    answer = webhook.admit(pod_of(asked, container={"args": ["--model", M]}))
    assert answer.container()["args"] == ["--model", M]
    assert answer.codes == ["MC102"]


@pytest.mark.parametrize("scheme", ["gs", "s3"])
@pytest.mark.parametrize("asked", ["b/coder", "b/coder/"])
@pytest.mark.parametrize("named", ["b/coder", "b/coder/"])
@pytest.mark.parametrize(
    ("command", "after"),
    [
        (["--model", "{uri}"], ["--model", "{path}", "--served-model-name={uri}"]),
        (["--model={uri}"], ["--model={path}", "--served-model-name={uri}"]),
        (["sh", "-c", "vllm serve {uri} &"],
         ["sh", "-c", "vllm serve {path} --served-model-name={uri} &"]),
    ],
)  # fmt: skip
def test_a_slash_at_the_end_of_a_uri_changes_nothing(
    scheme: str, asked: str, named: str, command: list[str], after: list[str], webhook: Webhook
) -> None:
    uri = f"{scheme}://{named}"
    container = {"image": VLLM, "args": [word.replace("{uri}", uri) for word in command]}
    answer = webhook.admit(
        pod_of({"model": f"{scheme}://{asked}", "strategy": "pvc"}, container=container)
    )
    assert not answer.warnings
    path = answer.env()["MODELCACHE_PATH"]
    wanted = [word.replace("{uri}", uri).replace("{path}", path) for word in after]
    assert answer.container()["args"] == wanted
    assert webhook.admit(answer.admitted, raw=True).adds_nothing
