"""The fields of a pod that are read."""

from collections.abc import Mapping

import msgspec

from webhook.objects.affinity import Affinity
from webhook.objects.container import Container, Resources
from webhook.objects.meta import Metadata, Object
from webhook.objects.volume import Volume


class SecurityContext(Object, frozen=True):
    """The parts of a pod's security context that matter to our containers and volumes."""

    run_as_user: int | None = None
    fs_group: int | None = None
    fs_group_change_policy: str | None = None


class OS(Object, frozen=True):
    """The operating system of a pod."""

    name: str | None = None


class SecretReference(Object, frozen=True):
    """A Secret of the pod's namespace (core/v1 LocalObjectReference)."""

    name: str = ""


class PodSpec(Object, frozen=True):
    """The specification of a pod."""

    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    ephemeral_containers: tuple[Container, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    security_context: SecurityContext | None = None
    resources: Resources | None = None
    affinity: Affinity | None = None
    node_selector: dict[str, str] | None = None
    os: OS | None = None
    automount_service_account_token: bool | None = None
    service_account_name: str | None = None
    image_pull_secrets: tuple[SecretReference, ...] | None = None
    host_ipc: bool | None = msgspec.field(default=None, name="hostIPC")


class Pod(Object, frozen=True):
    """A pod, or a pod template in the form of a pod."""

    metadata: Metadata | None = None
    spec: PodSpec | None = None

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations; empty if there are none."""
        return (self.metadata and self.metadata.annotations) or {}
