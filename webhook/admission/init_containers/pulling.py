"""Add the Secrets that the image of our init containers is pulled with."""

from collections.abc import Sequence

from webhook.admission.request.declared import Options
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.json_patch import appended
from webhook.objects.pod import PodSpec


def pull_secrets(
    spec: PodSpec, init_containers: Sequence[Json], options: Options, facts: Facts
) -> list[Json]:
    """Return the operations that give the pod the Secrets that it lacks for *init_containers*.

    The Secrets of its ServiceAccount are in the pod already: the API server adds them before it
    asks a webhook, and only to a pod that names none. A Secret that does not exist is not an
    error: the kubelet pulls without it, and an Event says so.
    """
    wanted = options.loader_pull_secrets or facts.loader_pull_secrets
    if not init_containers or not wanted:
        return []
    there = {one.name for one in spec.image_pull_secrets or ()}
    lacking = [{"name": name} for name in dict.fromkeys(wanted) if name not in there]
    return list(appended("/spec/imagePullSecrets", spec.image_pull_secrets, lacking))
