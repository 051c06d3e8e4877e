"""Render the DaemonSet that loads a model into the cache of each node."""

from typing import Any, Final

from webhook.objects import names
from webhook.objects.json import Json
from webhook.objects.restricted import USER
from webhook.rendering.identity import IDENTITY_MOUNT, identity
from webhook.rendering.kinds import Kind
from webhook.rendering.loader import STORE, loader, token_of, volumes
from webhook.rendering.node_labels import ACCOUNT, NODE_NAME
from webhook.rendering.noted import Noted
from webhook.rendering.options import Options
from webhook.rendering.pod import (
    container_security,
    labels,
    metadata,
    pod_security,
    resources,
)
from webhook.rendering.wanted import Wanted

HEADING: Final = (
    "The Pod Security levels baseline and restricted forbid hostPath: the namespace must enforce "
    "privileged. Run nothing else there."
)
_CLAIM: Final = "/claim"
_PYTHON: Final = ("python3", "-I", "-S", "-c")
_UNAVAILABLE: Final = "10%"
_SMALL: Final = ("10m", "32Mi")


def daemon_set(model: Wanted, options: Options) -> Json:
    """Return the DaemonSet; its name depends only on model, revision and directory."""
    name = model.named("cache", options.host_path)
    chosen = {"app.kubernetes.io/instance": name}
    marks = {**labels("node-cache", model), **chosen}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": metadata(name, options, marks, model),
        "spec": {
            "selector": {"matchLabels": chosen},
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": Noted(
                    {"maxUnavailable": _UNAVAILABLE},
                    "This many nodes load at a time after a change; pods still read meanwhile.",
                ),
            },
            "template": {"metadata": {"labels": marks}, "spec": _pod(model, options)},
        },
    }


def _pod(model: Wanted, options: Options) -> Json:
    cache: Json = {"name": "cache", "mountPath": STORE}
    mounts, source = [cache], model.text
    token = token_of(model, options)
    directory = {"path": options.host_path, "type": "DirectoryOrCreate"}
    found: list[Json] = [{"name": "cache", "hostPath": directory}]
    flags = [f"--stagger={options.stagger}s"] if options.stagger else []
    if options.from_claim:
        nearer = f"file://{_CLAIM}/{model.place}"
        if options.or_source:
            flags.append(f"--first={nearer}")
        else:
            source, token = nearer, None
        mounts.append({"name": "claim", "mountPath": _CLAIM, "readOnly": True})
        claim = {"claimName": options.claim, "readOnly": True}
        found.append({"name": "claim", "persistentVolumeClaim": claim})
    labelled = Kind.NODE_LABELS in options.kinds
    if labelled:
        flags.append("--label-node=$(NODE_NAME)")
        mounts.append(IDENTITY_MOUNT)
        found.append(identity())
    variables = [NODE_NAME] if labelled else []
    load = loader(names.LOAD, source, model, options, mounts, _SMALL[0], flags, variables)
    init = [_prepare(options, cache), load]
    group = Noted(
        USER, "So that the loader can read its token. It does not change the group of a hostPath."
    )
    account = {"serviceAccountName": ACCOUNT} if labelled else {}
    spec: dict[str, Any] = {
        **account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "shareProcessNamespace": Noted(
            True,
            "Otherwise each container is process 1, which SIGTERM does not end, and the end of a "
            "pod would take its whole grace period.",
        ),
        "securityContext": pod_security() | ({"fsGroup": group} if token or labelled else {}),
    }
    return {
        **spec,
        **options.pod.rendered(whatever_taints=True),
        "initContainers": init,
        "containers": [_rest(options)],
        "volumes": [*found, *volumes(token)],
    }


def _small(name: str, options: Options, program: str, security: Json) -> Json:
    """Return a container that runs a line of Python."""
    return {
        "name": name,
        "image": options.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [*_PYTHON, program],
        "resources": resources(*_SMALL),
        "securityContext": security,
    }


def _prepare(options: Options, cache: Json) -> Json:
    """Return the only container that runs as root: a new directory of a node belongs to root."""
    program = (
        f"import os; p = '{STORE}'; "
        "new = os.stat(p).st_uid == 0 and set(os.listdir(p)) <= {'lost+found'}; "
        f"new and os.chown(p, {USER}, {USER})"
    )
    security = container_security() | {
        "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
        "runAsNonRoot": False,
        "runAsUser": Noted(
            0,
            "The kubelet creates the directory as root. While it is empty and belongs to root, it "
            "is given to the user of the loader. This needs CHOWN; nothing else is done as root.",
        ),
        "runAsGroup": 0,
    }
    return _small("prepare", options, program, security) | {"volumeMounts": [cache]}


def _rest(options: Options) -> Json:
    found = _small("rest", options, "import signal; signal.pause()", container_security())
    why = (
        "Only waits: a pod of a DaemonSet needs a container that keeps running. It mounts nothing."
    )
    return found | {"command": Noted(found["command"], why)}
