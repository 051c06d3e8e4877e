"""Apply manifests as tools do: kubectl, and Argo CD, Flux and Helm 4, which apply on the server."""

import json
import subprocess
from collections.abc import Sequence
from typing import Final

from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.inference_pods import PREFIX
from tests.kubernetes.registration import wait_until

SERVER_SIDE: Final = ("--server-side", "--force-conflicts")
TOOLS: Final = {
    "kubectl apply": ("apply",),
    "argocd": ("apply", *SERVER_SIDE, "--field-manager=argocd-controller"),
    "flux": ("apply", *SERVER_SIDE, "--field-manager=kustomize-controller"),
    "helm 4": ("apply", *SERVER_SIDE, "--field-manager=helm"),
    "kubectl replace": ("replace",),
}
DIFFS: Final = (
    ("diff",),
    ("diff", *SERVER_SIDE),
    ("diff", *SERVER_SIDE, "--field-manager=argocd-controller"),
)


def kubectl(
    plane: ControlPlane, words: Sequence[str], manifest: Object
) -> subprocess.CompletedProcess[str]:
    """Run kubectl on *manifest*; again, as a person would, if a controller wrote it meanwhile."""
    for _ in range(5):
        done = plane.kubectl(*words, "-f", "-", input=json.dumps(manifest))
        if "(Conflict)" not in done.stderr:
            break
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def read(plane: ControlPlane, manifest: Object) -> Object:
    """Return the object of *manifest* as it is stored."""
    meta = manifest["metadata"]
    answer = plane.api.get(
        manifest["apiVersion"], manifest["kind"], meta["name"], meta["namespace"]
    )
    found: Object = answer.expect(200).body
    return found


def stored(plane: ControlPlane, manifest: Object) -> Object:
    """Return the object of *manifest*, once its controller has acted on it."""
    found: list[Object] = []

    def observed() -> bool:
        found[:] = [read(plane, manifest)]
        generation = found[0]["metadata"]["generation"]
        return bool(found[0]["status"].get("observedGeneration") == generation)

    wait_until(observed, f"the controller has seen the {manifest['kind']}")
    return found[0]


def ours(annotations: Object | None) -> Object:
    """Return those of *annotations* that are ours, without the list of copied keys."""
    return {
        key: value
        for key, value in (annotations or {}).items()
        if key.startswith(PREFIX) and key != f"{PREFIX}copied-keys"
    }


def asked_of_pods(obj: Object) -> Object:
    """Return our annotations in the pod template of *obj*."""
    return ours(obj["spec"]["template"]["metadata"].get("annotations"))
