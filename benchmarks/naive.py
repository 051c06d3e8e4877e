"""A naive webhook for comparison, as most people write it first.

It uses FastAPI, pydantic, deepcopy and make_patch.

It injects the same volume, loader, mounts, environment and memory, for one
container and one strategy, and validates nothing.
"""

import argparse
import base64
import copy
import json
import re
from typing import Any, Final

import jsonpatch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

PREFIX: Final = "modelcache.io/"
UNITS: Final = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "": 1}

app = FastAPI()


class AdmissionRequest(BaseModel):
    uid: str
    operation: str
    namespace: str
    object: dict[str, Any]


class AdmissionReview(BaseModel):
    apiVersion: str  # noqa: N815
    kind: str
    request: AdmissionRequest


class AdmissionResponse(BaseModel):
    uid: str
    allowed: bool
    patchType: str | None = None  # noqa: N815
    patch: str | None = None


class Answer(BaseModel):
    apiVersion: str = "admission.k8s.io/v1"  # noqa: N815
    kind: str = "AdmissionReview"
    response: AdmissionResponse


@app.post("/mutate")
async def mutate(review: AdmissionReview) -> Answer:
    """Answer with the difference between the pod and a changed copy of it."""
    pod = review.request.object
    changed = copy.deepcopy(pod)
    inject(changed)
    operations = jsonpatch.make_patch(pod, changed).patch
    response = AdmissionResponse(uid=review.request.uid, allowed=True)
    if operations:
        response.patchType = "JSONPatch"
        response.patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return Answer(response=response)


def inject(pod: dict[str, Any]) -> None:
    """Change the pod in place."""
    annotations = pod["metadata"].get("annotations") or {}
    model = annotations.get(f"{PREFIX}model")
    if not model or f"{PREFIX}injected" in annotations:
        return
    size = number(annotations.get(f"{PREFIX}size", "16Gi"))
    shm = number(annotations.get(f"{PREFIX}shm-size", "2Gi"))
    volume = -(-size * 105 // 100 // (256 << 20)) * (256 << 20)
    directory = model.replace("/", "--") + "/main"
    path = f"/models/{directory}"

    spec = pod["spec"]
    target = spec["containers"][0]
    volumes = spec.setdefault("volumes", [])
    volumes.append(
        {
            "name": "modelcache-model",
            "emptyDir": {"medium": "Memory", "sizeLimit": text(volume)},
        }
    )
    volumes.append(
        {"name": "modelcache-shm", "emptyDir": {"medium": "Memory", "sizeLimit": text(shm)}}
    )
    volumes.append(
        {
            "name": "modelcache-store",
            "persistentVolumeClaim": {"claimName": "model-store", "readOnly": True},
        }
    )
    mounts = target.setdefault("volumeMounts", [])
    mounts.append({"name": "modelcache-model", "mountPath": path, "readOnly": True})
    mounts.append({"name": "modelcache-shm", "mountPath": "/dev/shm"})
    env = target.setdefault("env", [])
    if all(entry["name"] != "MODELCACHE_PATH" for entry in env):
        env.append({"name": "MODELCACHE_PATH", "value": path})
    for kind in ("limits", "requests"):
        amounts = target.setdefault("resources", {}).setdefault(kind, {})
        if "memory" in amounts:
            amounts["memory"] = text(number(amounts["memory"]) + volume + shm)
    spec.setdefault("initContainers", []).insert(0, loader(directory, volume))
    ledger = {
        "by": "naive",
        "models": [model],
        "delta": text(volume + shm),
        "target": target["name"],
    }
    annotations[f"{PREFIX}injected"] = json.dumps(ledger)
    pod["metadata"]["annotations"] = annotations


def loader(directory: str, volume: int) -> dict[str, Any]:
    """Return the init container that fills the volume from the store."""
    amounts = {"cpu": "8", "memory": text(volume + (512 << 20))}
    return {
        "name": "modelcache-loader",
        "image": "modelcache/modelcache-webhook",
        "imagePullPolicy": "IfNotPresent",
        "command": ["modelcache", "copy", "/modelcache/store/1", "/modelcache/memory/1"],
        "resources": {"limits": amounts, "requests": amounts},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {
                "name": "modelcache-store",
                "subPath": directory,
                "mountPath": "/modelcache/store/1",
                "readOnly": True,
            },
            {"name": "modelcache-model", "mountPath": "/modelcache/memory/1"},
        ],
    }


def number(quantity: str) -> int:
    """Return a quantity in bytes."""
    match = re.fullmatch(r"(\d+)(Ki|Mi|Gi|Ti|)", quantity)
    if match is None:
        raise ValueError(quantity)
    return int(match[1]) * UNITS[match[2]]


def text(count: int) -> str:
    """Return bytes as a quantity."""
    return f"{count >> 20}Mi" if count % (1 << 30) else f"{count >> 30}Gi"


def main() -> None:
    """Serve as `uvicorn.run` does if only the certificate is given."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--with-client", action="store_true", help="load the Kubernetes client")
    options = parser.parse_args()
    if options.with_client:
        from kubernetes import client  # noqa: PLC0415

        client.CoreV1Api()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=options.port,
        ssl_keyfile=options.key,
        ssl_certfile=options.cert,
        loop="asyncio",
        http="h11",
    )


if __name__ == "__main__":
    main()
