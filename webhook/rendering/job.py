"""Render the Job that loads a model into a claim, once."""

from typing import Final

from webhook.objects import names
from webhook.objects.json import Json
from webhook.rendering.identity import IDENTITY_MOUNT, identity
from webhook.rendering.kinds import Kind
from webhook.rendering.lease import POD_NAME, lease_name
from webhook.rendering.loader import STORE, loader, token_of, volumes
from webhook.rendering.noted import Noted
from webhook.rendering.options import Options
from webhook.rendering.pod import labels, metadata, pod_security, volume_group
from webhook.rendering.wanted import Wanted

_STARTING: Final = 600
"""Seconds for scheduling, mounting and pulling the image, in addition to the deadline of load."""
_KEPT: Final = 86400
"""Seconds for which an ended Job is kept, so that people can look at it."""
_ATTEMPTS: Final = 3
_USAGE: Final = 2
"""Exit status of the command if its arguments are wrong."""


def job(model: Wanted, options: Options) -> Json:
    """Return the Job; its name depends only on model, revision and claim."""
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
            "Never", "Each attempt keeps its log. The next one may run on another node, and "
            "continues where it stopped. The policy above can tell failures apart.",
        ),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security() | volume_group(),
        **options.pod.rendered(),
        "containers": [load],
        "volumes": [*found, *volumes(token_of(model, options))],
    }  # fmt: skip
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(model.named("load", options.claim), options, marks, model),
        "spec": {
            "backoffLimit": Noted(_ATTEMPTS, "load itself tries each file several times."),
            "activeDeadlineSeconds": Noted(
                options.deadline_seconds + _STARTING,
                f"The --deadline of load plus {_STARTING} s for the start of the pod, so that load "
                "itself says what it was waiting for.",
            ),
            "ttlSecondsAfterFinished": Noted(
                _KEPT,
                "Then the Job can be applied again: an existing model is not downloaded again.",
            ),
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "Ignore",
                        "onPodConditions": Noted(
                            [{"type": "DisruptionTarget", "status": "True"}],
                            "An eviction does not count as a failed load.",
                        ),
                    },
                    {
                        "action": "FailJob",
                        "onExitCodes": Noted(
                            {"containerName": names.LOAD, "operator": "In", "values": [_USAGE]},
                            "Wrong arguments: another attempt would fail too.",
                        ),
                    },
                ]
            },
            "template": {"metadata": {"labels": marks}, "spec": pod},
        },
    }
