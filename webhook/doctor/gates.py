"""Check feature gates, by which fields of a pod a dry run keeps.

The API server silently drops a field whose gate is off (pkg/api/pod/util.go dropDisabledFields).
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
_ASKS: Final = "--facts"
"""The option with which the webhook asks the API server for its version."""
_GATE: Final = "turn on the gate ImageVolume of kube-apiserver and of the kubelets"


def _run(installation: Installation) -> Iterator[Finding]:
    namespace = installation.names.probe_namespace
    try:
        answer = installation.api.dry_run(_pod(), "api", "v1", "namespaces", namespace, "pods")
    except Forbidden:
        raise
    except Refused as refusal:
        yield warning(
            f"could not find out which gates are on: {refusal}",
            "name a namespace that accepts pods with --probe-namespace",
        )
        return
    spec = answer.json()["spec"]
    yield _image_volumes(installation, any("image" in one for one in spec["volumes"]))
    mounts = spec["containers"][0]["volumeMounts"]
    if any("recursiveReadOnly" in one for one in mounts):
        yield ok("recursiveReadOnly is kept")
    else:
        yield warning(
            "recursiveReadOnly is dropped: what is mounted below a model is writable",
            "upgrade the API server to 1.33, or turn on its gate RecursiveReadOnlyMounts",
        )


def _pod() -> Json:
    """Return a pod with an image volume, and with a mount that is read-only throughout."""
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
    asks = not arguments or _ASKS in arguments
    version = installation.kube_version or (installation.minor if asks else None)
    believed = _OPTION in arguments or (version is not None and version >= _BY_DEFAULT)
    if kept and not believed:
        return warning(
            "image volumes are kept, but the webhook refuses them",
            f"write the API server's --kube-version, or {_OPTION}, in the args of the Deployment",
        )
    if kept:
        return ok("image volumes are kept")
    if believed:
        return error(
            "image volumes are dropped, but the webhook uses them",
            f"{_GATE}, or remove {_OPTION} from the args of the Deployment and write the API "
            "server's --kube-version there",
        )
    return warning(
        "image volumes are dropped: pods with strategy image are refused (MC007)",
        f"upgrade the API server to 1.35, or {_GATE} and add {_OPTION} to the args of the "
        "Deployment",
    )


CHECK: Final = Check(
    name="gates",
    looks_at="whether the API server keeps image volumes and recursiveReadOnly, by a dry run of a "
    "pod, and whether the webhook assumes the same",
    may=("create pods", "get services", "list deployments.apps"),
    run=_run,
)
