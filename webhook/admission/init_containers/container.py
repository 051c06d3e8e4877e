"""Write our init containers: image, command, security context, and no token.

The API server mounts the token of the pod's ServiceAccount into every container that mounts
nothing at that path, ours included: its plugin ServiceAccount runs again after us
(kubernetes plugin/pkg/admission/serviceaccount, mountServiceAccountToken). Ours need none, and
they read files of other people. So they mount an empty volume there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from webhook.admission.request.declared import Options
from webhook.admission.strategies.tmpfs import tmpfs_volume
from webhook.objects import names
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.pod import PodSpec
from webhook.objects.restricted import USER, container_security, pod_security
from webhook.values.quantity import MI, Quantity

TOKEN_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  # a directory
NO_TOKEN: Final = tmpfs_volume(names.NO_TOKEN_VOLUME, Quantity(MI))
"""In memory, because Cluster Autoscaler keeps a node whose pods have an emptyDir on disk."""
_SECURITY: Final[Mapping[str, object]] = (
    container_security() | {"readOnlyRootFilesystem": True} | pod_security()
)


@dataclass(frozen=True, slots=True)
class Base:
    """What our init containers of one pod have in common."""

    image: str
    security: Mapping[str, object]
    mounts_token: bool
    """Whether the API server would mount a token into them."""

    @classmethod
    def of(cls, spec: PodSpec, options: Options, facts: Facts) -> "Base":
        """Return it for a pod with *spec*."""
        security: Mapping[str, object] = _SECURITY
        user = facts.loader_user if options.loader_user is None else options.loader_user
        if user is None and spec.security_context and spec.security_context.run_as_user == 0:
            # Otherwise it would run as the pod's user, root, which its runAsNonRoot forbids.
            user = USER
        if user is not None:
            security = {**_SECURITY, "runAsUser": user}
        return cls(facts.loader_image, security, spec.automount_service_account_token is not False)

    def container(
        self,
        name: str,
        arguments: Sequence[str],
        mounts: Sequence[Json],
        resources: Json,
        env: Sequence[Json] = (),
    ) -> Json:
        """Return an init container that runs `modelcache` with *arguments*."""
        hidden = {"name": names.NO_TOKEN_VOLUME, "mountPath": TOKEN_PATH, "readOnly": True}
        return {
            "name": name,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": [names.COMMAND, *arguments],
            **({"env": list(env)} if env else {}),
            "resources": resources,
            "securityContext": dict(self.security),
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": [*mounts, *([hidden] if self.mounts_token else [])],
        }
