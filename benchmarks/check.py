"""Check that the compared servers do the same work, by applying their patches."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import jsonpatch


def differences(review: bytes, answer: bytes) -> list[str]:
    """Return what a mutated pod lacks of a model in memory, loaded before it starts."""
    request, response = json.loads(review)["request"], json.loads(answer)["response"]
    if response["uid"] != request["uid"] or not response["allowed"] or "patch" not in response:
        return [f"no patch: {response}"]
    operations = json.loads(base64.b64decode(response["patch"]))
    return list(_lacking(request["object"], jsonpatch.apply_patch(request["object"], operations)))


def _lacking(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    was, target = (pod["spec"]["containers"][0] for pod in (before, after))
    in_memory = {
        volume["name"]
        for volume in after["spec"]["volumes"]
        if volume.get("emptyDir", {}).get("medium") == "Memory"
        and "sizeLimit" in volume["emptyDir"]
    }
    mounts = [mount for mount in target["volumeMounts"] if mount["name"] in in_memory]
    if not any(mount["mountPath"] == "/dev/shm" for mount in mounts):
        yield "shared memory"
    if not any(mount.get("readOnly") for mount in mounts):
        yield "a read-only model volume in memory"
    for kind in ("limits", "requests"):
        if was["resources"][kind]["memory"] == target["resources"][kind]["memory"]:
            yield f"raised memory {kind}"
    if len(target["env"]) <= len(was["env"]):
        yield "environment"
    loader = after["spec"].get("initContainers", [{}])[0]
    if not any(mount["name"] in in_memory for mount in loader.get("volumeMounts", [])):
        yield "a loader that fills it first"
    if "modelcache.io/injected" not in after["metadata"]["annotations"]:
        yield "the ledger"
