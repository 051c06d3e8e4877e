"""Write our init containers: image, command, security context."""

from collections.abc import Sequence

from webhook.objects import names
from webhook.objects.json import Json
from webhook.objects.pod import PodSpec
from webhook.objects.restricted import USER, container_security, pod_security


def init_container(  # the fields of a container
    name: str,
    image: str,
    arguments: list[str],
    mounts: list[Json],
    resources: Json,
    spec: PodSpec,
    env: Sequence[Json] = (),
) -> Json:
    """Return an init container that runs `modelcache` with *arguments*."""
    security = container_security() | {"readOnlyRootFilesystem": True} | pod_security()
    if spec.security_context and spec.security_context.run_as_user == 0:
        # Otherwise it would run as the pod's user, root, which its runAsNonRoot forbids.
        security["runAsUser"] = USER
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": [names.COMMAND, *arguments],
        **({"env": list(env)} if env else {}),
        "resources": resources,
        "securityContext": security,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
