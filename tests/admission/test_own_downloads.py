"""Commands of the author's that download what is mounted already, and those that do not."""

from typing import Any

import pytest

from tests.admission.admitting import Webhook

MODEL = "acme/coder"
LLAMA = "ollama://library/llama3.2:3b"
SERVER = {"name": "server", "image": "vllm/vllm-openai:v0.11.0", "args": ["--model", MODEL]}
OLLAMA = {"name": "server", "image": "ollama/ollama:0.12"}


def shell(text: str, **fields: Any) -> dict[str, Any]:
    return {"name": "fetch", "image": "python:3.12", "command": ["sh", "-c", text], **fields}


INIT: dict[str, tuple[dict[str, Any], str]] = {
    "hf": (shell("hf download acme/coder --local-dir /m"), "hf download"),
    "aibrix": (
        shell("aibrix_download --model-uri hf://acme/coder --local-dir /models/"),
        "aibrix_download",
    ),
    "aibrix, by python": (
        shell("python -m aibrix.downloader --model-uri=acme/coder"),
        "-m aibrix.downloader",
    ),
    "with its scheme": (shell("modelscope download hf://acme/coder"), "modelscope download"),
    "a variable": (
        shell("hf download $NAME", env=[{"name": "NAME", "value": MODEL}]),
        "hf download",
    ),
    "git": (shell("git clone https://huggingface.co/acme/coder /m"), "git clone"),
    "git, with its ending": (shell("git clone https://huggingface.co/acme/coder.git"), "git clone"),
    "wget": (shell("wget -P /m https://huggingface.co/acme/coder/resolve/main/x"), "wget"),
    "curl of a mirror": (shell("curl -L https://hf-mirror.com/acme/coder/resolve/main/x"), "curl"),
    "python": (
        shell("python -c 'import huggingface_hub as h; h.snapshot_download(\"acme/coder\")'"),
        "snapshot_download",
    ),
    "KServe": (
        {"name": "s", "image": "kserve/storage-initializer:v0.15", "args": ["hf://acme/coder", "/m"]},
        "storage-initializer",
    ),
    "a longer name": (shell("hf download acme/coder-FP8 --local-dir /m"), ""),
    "another model": (shell("hf download acme/adapter --local-dir /m"), ""),
    "another site": (shell("wget https://example.com/acme/coder"), ""),
    "a sentence": (shell("echo skipping hf download acme/coder"), ""),
    "a comment": (shell("true # hf download acme/coder"), ""),
    "something else": (shell("chown -R 1000 /models/acme/coder"), ""),
}  # fmt: skip


def warnings(model: str, server: dict[str, Any], *init: dict[str, Any]) -> list[str]:
    pod = {
        "metadata": {"name": "p", "annotations": {"modelcache.io/model": model}},
        "spec": {"containers": [server], "initContainers": [*init]},
    }
    return [w for w in Webhook().admit(pod).warnings if w[:5] in ("MC135", "MC136")]


@pytest.mark.parametrize("row", INIT)
def test_an_init_container_that_downloads_the_model_is_named(row: str) -> None:
    container, what = INIT[row]
    wanted = (
        f'MC136 init container {container["name"]}: runs "{what}", so each pod still downloads '
        f"{MODEL}: remove it, and let the server read the shared model"
    )
    assert warnings(MODEL, SERVER, container) == ([wanted] if what else [])


@pytest.mark.parametrize("name", ["llama3.2:3b", "library/llama3.2:3b"])
def test_ollama_names_its_models_without_their_registry(name: str) -> None:
    init = shell(f"ollama serve & sleep 5; ollama pull {name}", image="ollama/ollama:0.12")
    (warning,) = warnings(LLAMA, OLLAMA, init)
    assert f'runs "ollama pull", so each pod still downloads {LLAMA}' in warning


def test_a_request_that_makes_ollama_pull_is_named() -> None:
    text = """ollama serve & curl -s http://localhost:11434/api/pull -d '{"model":"llama3.2:3b"}'"""
    (warning,) = warnings(LLAMA, OLLAMA, shell(text, image="ollama/ollama:0.12"))
    assert f'runs "curl", so each pod still downloads {LLAMA}' in warning
    other = shell(text.replace("/api/pull", "/api/show"), image="ollama/ollama:0.12")
    assert not warnings(LLAMA, OLLAMA, other)


def test_ollama_that_pulls_in_its_own_command_is_named() -> None:
    text = "ollama serve & sleep 5 && ollama pull llama3.2:3b && wait"
    assert warnings(LLAMA, OLLAMA | {"command": ["sh", "-c", text]}) == [
        'MC135 container server: runs "ollama pull", but the models are read-only here: remove it'
    ]
    assert not warnings(LLAMA, OLLAMA | {"args": ["serve"]})


KSERVE: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "a hub name": (
        "acme/coder@main",
        {"model": {"storageUri": "hf://acme/coder"}},
        ["spec.predictor.model.storageUri: makes each pod download acme/coder"],
    ),
    "one of several models": (
        "acme/draft, acme/coder",
        {"annotations": {"a": "b"}, "model": {"storageUris": [{"uri": "hf://acme/coder:v1"}]}},
        ["spec.predictor.model.storageUris.0.uri: makes each pod download acme/coder"],
    ),
    "a bucket": (
        "acme/coder",
        {"huggingface": {"storageUri": "s3://models/acme/coder"}},
        ["spec.predictor.huggingface.storageUri: makes each pod download acme/coder"],
    ),
    "a claim, which is mounted": (
        "acme/coder",
        {"model": {"storageUri": "pvc://models/acme/coder"}},
        [],
    ),
    "another model": ("acme/coder", {"model": {"storageUri": "hf://acme/coder-small"}}, []),
    "no storageUri": ("acme/coder", {"model": {"args": ["--model_id=acme/coder"]}}, []),
}


@pytest.mark.parametrize("row", KSERVE)
def test_what_kserve_downloads_is_named_where_its_author_wrote_it(row: str) -> None:
    model, predictor, said = KSERVE[row]
    answer = Webhook().admit(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "chat", "annotations": {"modelcache.io/model": model}},
            "spec": {"predictor": predictor},
        }
    )
    assert [warning.partition(" before")[0] for warning in answer.warnings] == [
        f"MC136 {one}" for one in said
    ]
