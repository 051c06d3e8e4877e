"""Feature gates that matter to pods, found out by what a dry run keeps of a pod.

A field whose gate is off is dropped without a word (pkg/api/pod/util.go dropDisabledFields).
"""

from collections.abc import Iterator
from typing import Final

from webhook.api_server.errors import Forbidden, Refused
from webhook.doctor import probe
from webhook.doctor.check import Check
from webhook.doctor.finding import Finding, error, ok, warning
from webhook.doctor.installation import Installation
from webhook.objects.json import Json

_BY_DEFAULT: Final = (1, 35)  # KEP-4639: ImageVolume is on
_OPTION: Final = "--image-volumes"
_GATE: Final = "turn on the gate ImageVolume of kube-apiserver and of the kubelets"


def _run(installation: Installation) -> Iterator[Finding]:
    namespace = installation.names.probe_namespace
    try:
        answer = installation.api.dry_run(_asking(), "api", "v1", "namespaces", namespace, "pods")
    except Forbidden:
        raise
    except Refused as refusal:
        yield warning(
            f"which gates are on was not found out: {refusal}",
            "name a namespace that takes pods with --probe-namespace",
        )
        return
    spec = answer.json()["spec"]
    yield _image_volumes(installation, any("image" in one for one in spec["volumes"]))
    mounts = spec["containers"][0]["volumeMounts"]
    if any("recursiveReadOnly" in one for one in mounts):
        yield ok("recursiveReadOnly is kept")
    else:
        yield warning(
            "recursiveReadOnly is dropped: what is mounted below a model can be written to",
            "upgrade the API server to 1.33, or turn on its gate RecursiveReadOnlyMounts",
        )


def _asking() -> Json:
    """Return a pod that asks for an image volume, and for a mount that is read-only throughout."""
    pod = probe.pod(annotated=False)
    pod["spec"]["volumes"] = [
        {"name": "image", "image": {"reference": "modelcache-doctor"}},
        {"name": "directory", "emptyDir": {}},
    ]
    pod["spec"]["containers"][0]["volumeMounts"] = [
        {"name": "image", "mountPath": "/image", "readOnly": True},
        {
            "name": "directory",
            "mountPath": "/directory",
            "readOnly": True,
            "recursiveReadOnly": "IfPossible",
        },
    ]
    return pod


def _image_volumes(installation: Installation, kept: bool) -> Finding:
    arguments = installation.arguments
    told = installation.told_version if arguments else installation.minor
    believed = _OPTION in arguments or (told is not None and told >= _BY_DEFAULT)
    if kept and not believed:
        return warning(
            "image volumes are kept, and the webhook refuses them",
            f"write the API server's --kube-version, or {_OPTION}, in the args of the Deployment",
        )
    if kept:
        return ok("image volumes are kept")
    if believed:
        return error(
            "image volumes are dropped, and the webhook takes them to be kept",
            f"{_GATE}, or take {_OPTION} out of the args of the Deployment and give it the API "
            "server's --kube-version",
        )
    return warning(
        "image volumes are dropped: pods with strategy image are refused (MC007)",
        f"upgrade the API server to 1.35, or {_GATE} and add {_OPTION} to the args of the "
        "Deployment",
    )


CHECK: Final = Check(
    name="gates",
    looks_at="whether the API server keeps image volumes and recursiveReadOnly, by a dry run of a "
    "pod, and whether the webhook takes it to do so",
    may=("create pods", "get services", "list deployments.apps"),
    run=_run,
)
