"""Render the CronJob that removes what nobody needs from a claim, and its permissions."""

import hashlib
from collections.abc import Iterator
from typing import Final

from webhook.objects import names
from webhook.objects.json import Json
from webhook.rendering.identity import IDENTITY_MOUNT, account, identity, role
from webhook.rendering.loader import STORE
from webhook.rendering.noted import Noted
from webhook.rendering.options import Options
from webhook.rendering.pod import (
    container_security,
    labels,
    metadata,
    pod_security,
    resources,
    volume_group,
)

_NAME: Final = "prune"
_LONGEST_NAME: Final = 52
"""Characters of a CronJob's name: the names of its Jobs have eleven more (KEP-19)."""
_LATE: Final = 3600
"""Seconds after its time in which a run may still start."""
_LIMIT: Final = 3600
"""Seconds for one run."""
_USAGE: Final = ("50m", "256Mi")


def prune(options: Options) -> Iterator[tuple[str, Json]]:
    """Yield heading and content of each object."""
    marks = labels(_NAME)
    name = _name(options.claim)
    meta = metadata(name, options, marks)
    yield account(meta)
    everywhere = {"name": f"modelcache-{options.namespace}-{name}", "labels": marks}
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
    why = "A pod of any namespace may read the store, by another claim or from a node's directory."
    yield from role(meta, everywhere, pods, why, "Cluster")
    claim = {
        "apiGroups": [""],
        "resources": ["persistentvolumeclaims"],
        "resourceNames": [options.claim],
        "verbs": ["get"],
    }
    yield from role(meta, meta, claim, "Permits to see that there is such a claim.")
    heading = f"Removes models that no loader has requested for {options.unused_for}."
    yield heading, _cron_job(meta, marks, options)


def _name(claim: str) -> str:
    name = f"{_NAME}-{claim}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{_NAME}-{hashlib.sha256(claim.encode()).hexdigest()[:10]}"


def _cron_job(meta: Json, marks: Json, options: Options) -> Json:
    job = {
        "backoffLimit": 1,
        "activeDeadlineSeconds": _LIMIT,
        "template": {"metadata": {"labels": marks}, "spec": _pod(meta["name"], options)},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": meta,
        "spec": {
            "schedule": options.schedule,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": Noted(
                _LATE, "A run that could not start within an hour is left out."
            ),
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {"spec": job},
        },
    }


def _pod(account: str, options: Options) -> Json:
    words = [
        *(names.COMMAND, "prune", STORE),
        f"--unused-for={options.unused_for}",
        f"--claim={options.namespace}/{options.claim}",
    ]
    return {
        "serviceAccountName": account,
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security() | volume_group(),
        **options.pod.rendered(),
        "containers": [
            {
                "name": _NAME,
                "image": options.image,
                "imagePullPolicy": "IfNotPresent",
                "command": words,
                "resources": resources(*_USAGE),
                "securityContext": container_security(),
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [{"name": "store", "mountPath": STORE}, IDENTITY_MOUNT],
            }
        ],
        "volumes": [
            {"name": "store", "persistentVolumeClaim": {"claimName": options.claim}},
            identity(),
        ],
    }
