"""What docs/platform.md says of the two tenants, as `modelcache check` sees their pods."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command import ROOT, modelcache

CLAIMS = {"bank": "team-models", "lab": "model-store"}
"""Namespace → its claim. The first has the label of the strict tenant."""
PINNED = "meta-llama/Llama-3.1-8B-Instruct"


def cluster() -> list[dict[str, Any]]:
    """Return the two namespaces, each with its shared claim."""
    found: list[dict[str, Any]] = []
    for name, claim in CLAIMS.items():
        labels = {"models": "strict"} if name == "bank" else {}
        found += [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": claim, "namespace": name},
                "spec": {"accessModes": ["ReadWriteMany"]},
                "status": {"phase": "Bound"},
            },
        ]
    return found


def pod(namespace: str, served: str, name: str = "chat", **annotations: str) -> dict[str, Any]:
    """Return a pod with annotations, whose server is given a model by the name *served*."""
    keys = {f"modelcache.io/{key.replace('_', '-')}": text for key, text in annotations.items()}
    container = {
        "name": "vllm",
        "image": "vllm/vllm-openai:v0.6.4",
        "args": ["--model", served],
        "resources": {"limits": {"memory": "24Gi", "nvidia.com/gpu": "1"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": keys},
        "spec": {"containers": [container]},
    }


@pytest.mark.parametrize(
    ("checked", "status", "said"),
    [
        (pod("bank", "$(MODELCACHE_PATH)", model="llama-8b"), 0, set()),
        (pod("bank", PINNED, model=PINNED), 0, set()),
        (pod("bank", "acme/x", model="acme/x", strategy="pvc"), 1, {"MC032", "MC036"}),
        (pod("bank", "acme/y", model="llama-8b"), 1, {"MC041"}),
        (pod("bank", "acme/y"), 1, {"MC040"}),
        (pod("bank", "acme/y", name="debug-1"), 0, set()),
        (pod("bank", "$(MODELCACHE_PATH)", model="llama-8b", clam="x"), 1, {"MC022"}),
        (pod("lab", "acme/x", model="acme/x"), 0, {"MC036"}),
        (pod("lab", "acme/y", model="acme/x"), 0, {"MC036", "MC041"}),
        (pod("lab", "acme/y"), 0, {"MC040"}),
    ],
    ids=[
        "strict, a model of the catalogue", "strict, its source", "strict, another model",
        "strict, a server that asks the hub", "strict, no annotation", "strict, to find a fault",
        "strict, a typing error", "lenient, any model", "lenient, a server that asks the hub",
        "lenient, no annotation",
    ],
)  # fmt: skip
def test_a_tenant_is_as_strict_as_the_manual_says(
    checked: dict[str, Any], status: int, said: set[str], tmp_path: Path
) -> None:
    files = {"pod.yaml": [checked], "cluster.yaml": cluster()}
    for name, documents in files.items():
        (tmp_path / name).write_text(yaml.safe_dump_all(documents))
    done = modelcache(
        "check", "-f", tmp_path / "pod.yaml", "--cluster", tmp_path / "cluster.yaml",
        "--policy", ROOT / "examples" / "strict.yaml",
        "--policy", ROOT / "examples" / "lenient.yaml",
    )  # fmt: skip
    assert done.status == status, done.out + done.err
    assert set(re.findall("MC0[234][0-9]", done.out + done.err)) == said
