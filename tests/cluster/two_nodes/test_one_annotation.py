"""One annotation on an unmodified Deployment: its replicas read the shared copy, and ask no hub.

The server is given the model's name, as the manual of vLLM says, and resolves it with the library
of the hub, as vLLM does.
"""

from typing import Any, Final

import pytest

from tests.cluster.two_nodes.shop import Shop, jobs_ended
from tests.hub.running import Request
from tests.images.inference import HUB_SERVER
from tests.kubernetes.api import Object
from tests.kubernetes.inference_pods import (
    ask,
    container,
    created,
    deleted_at_end,
    deployment,
    served,
)

IMAGE: Final = "vllm/vllm-openai:v0.11.0"
MODEL: Final = "once/named"
PROGRAM: Final = "python3 -S -m tests.images.inference_server"


@pytest.fixture(scope="module")
def filled(shop: Shop) -> Shop:
    """A store that a Job has filled, and nodes that have the image of the server."""
    for node in shop.cluster.nodes:
        node.load(HUB_SERVER.path(IMAGE))
    shop.commit(MODEL)
    jobs_ended(shop, shop.render(MODEL, "--kind=job"))
    return shop


def unmodified(
    shop: Shop, name: str, replicas: int, asked: dict[str, str], **fields: Any
) -> Object:
    """Return a Deployment as people write it, with annotations *asked*."""
    env = {"HF_ENDPOINT": shop.hub.url, "HF_HOME": "/tmp/huggingface"}
    server = container(request="32Mi", limit="160Mi", env=env, image=IMAGE, **fields)
    return deployment(shop.namespace, asked, server, name=name, replicas=replicas)


def requests(shop: Shop) -> list[Request]:
    return [one for one in shop.hub.requests() if one.repo == MODEL]


@pytest.mark.parametrize(
    ("name", "replicas", "words"),
    [
        ("argument", 10, {"args": ["--model", MODEL]}),
        (
            "shell",
            1,
            {"command": ["sh", "-c"], "args": [f"exec {PROGRAM} serve {MODEL} --enable-lora"]},
        ),
    ],
)
def test_servers_that_name_the_hub_are_served_from_the_copy(
    filled: Shop, name: str, replicas: int, words: dict[str, list[str]]
) -> None:
    before = len(requests(filled))
    servers = unmodified(filled, name, replicas, {"model": MODEL}, **words)
    with deleted_at_end(filled.cluster, [servers]):
        for pod in served(filled.cluster, servers, 180):
            report = ask(filled.cluster, pod, "/report")
            (found,) = report["models"]
            assert found["path"].startswith("/modelcache/hub/models--once--named/snapshots/")
            assert found["bytes"] == filled.size(MODEL)
            assert found["writeError"] == "Read-only file system"
            (answers_to,) = ask(filled.cluster, pod, "/v1/models")["data"]
            assert answers_to["id"] == MODEL
    assert len(requests(filled)) == before, "the loader alone has asked the hub"


def test_without_the_annotation_the_same_server_downloads(filled: Shop) -> None:
    before = len(requests(filled))
    servers = unmodified(filled, "plain", 1, {}, args=["--model", MODEL])
    with deleted_at_end(filled.cluster, [servers]):
        (pod,) = served(filled.cluster, servers, 180)
        (found,) = ask(filled.cluster, pod, "/report")["models"]
        assert found["path"].startswith("/tmp/huggingface/hub/")
    assert len(requests(filled)) > before


def test_a_server_waits_for_the_cache_of_a_store_filled_without_and_load_adds_it(
    filled: Shop,
) -> None:
    model = "once/later"
    commit = filled.commit(model)
    jobs_ended(filled, filled.render(model, "--kind=job", "--no-hub-cache"))
    servers = unmodified(filled, "later", 1, {"model": model}, args=["--model", model])
    with deleted_at_end(filled.cluster, [servers]):
        (pod,) = created(filled.cluster, servers)
        filled.cluster.wait_for(pod, lambda now: waits(now) == "CreateContainerConfigError", 120)
        arrived = filled.arrived(model)
        jobs_ended(filled, filled.render(f"{model}@{commit}", "--kind=job"))
        filled.cluster.ready(pod, 120)
        assert filled.arrived(model) == arrived, "it takes no download"


def waits(pod: Object) -> str | None:
    """Return why the container of *pod* waits."""
    (status,) = pod["status"].get("containerStatuses") or [{}]
    reason: str | None = status.get("state", {}).get("waiting", {}).get("reason")
    return reason
