"""The Job that loads a model into a claim, once."""

from typing import Final

from webhook.objects import names
from webhook.objects.json import Json
from webhook.objects.restricted import USER
from webhook.rendering.identity import IDENTITY_MOUNT, identity
from webhook.rendering.kinds import Kind
from webhook.rendering.lease import POD_NAME, lease_name
from webhook.rendering.loader import STORE, loader, token_of, volumes
from webhook.rendering.noted import Noted
from webhook.rendering.options import Options
from webhook.rendering.pod import labels, metadata, pod_security
from webhook.rendering.wanted import Wanted

_STARTING: Final = 600
"""Seconds for scheduling, mounting and pulling the image, beside those of load."""
_KEPT: Final = 86400
"""Seconds for which a Job that has ended can be looked at."""
_ATTEMPTS: Final = 3
_USAGE: Final = 2
"""How the command ends where its arguments are wrong."""


def _group() -> Json:
    return {
        "fsGroup": Noted(
            USER, "The volume is given to the group of the loader, where its driver does that."
        ),
        "fsGroupChangePolicy": Noted(
            "OnRootMismatch", "Else each start walks all files of the store to change their group."
        ),
    }


def job(model: Wanted, options: Options) -> Json:
    """Return the Job; its name is the same whenever model, revision and claim are."""
    marks = labels("loader", model)
    mounts: list[Json] = [{"name": "store", "mountPath": STORE}]
    found: list[Json] = [
        {"name": "store", "persistentVolumeClaim": {"claimName": options.claim}},
    ]
    flags, variables, account = [], [], {}
    if Kind.LEASE in options.kinds:
        name = lease_name(model, options)
        flags.append(f"--lease={options.namespace}/{name}")
        variables.append(POD_NAME)
        account["serviceAccountName"] = name
        mounts.append(IDENTITY_MOUNT)
        found.append(identity())
    load = loader(names.LOAD, model.text, model, options, mounts, "500m", flags, variables)
    pod = {
        **account,
        "restartPolicy": Noted(
            "Never", "Each attempt keeps its log, the next may have another node and goes on where "
            "it stopped, and the policy above can tell failures apart.",
        ),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security() | _group(),
        "containers": [load],
        "volumes": [*found, *volumes(token_of(model, options))],
    }  # fmt: skip
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(model.named("load", options.claim), options, marks, model),
        "spec": {
            "backoffLimit": Noted(_ATTEMPTS, "load itself tries each file again and again."),
            "activeDeadlineSeconds": Noted(
                options.deadline_seconds + _STARTING,
                f"The --deadline of load, so that load says itself what it was waiting for, and "
                f"{_STARTING} for the start of the pod.",
            ),
            "ttlSecondsAfterFinished": Noted(
                _KEPT, "Then it can be applied again: a model that is there is not downloaded."
            ),
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "Ignore",
                        "onPodConditions": Noted(
                            [{"type": "DisruptionTarget", "status": "True"}],
                            "An eviction is no failure of the load.",
                        ),
                    },
                    {
                        "action": "FailJob",
                        "onExitCodes": Noted(
                            {"containerName": names.LOAD, "operator": "In", "values": [_USAGE]},
                            "Wrong arguments stay wrong.",
                        ),
                    },
                ]
            },
            "template": {"metadata": {"labels": marks}, "spec": pod},
        },
    }
