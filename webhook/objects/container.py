"""The fields of a container that are read."""

from typing import Any, TypeAlias

from webhook.objects.meta import Object, Present

Amounts: TypeAlias = dict[str, str | int | float]
"""Resource name → quantity as written."""


class EnvVar(Object, frozen=True):
    """One variable of a container."""

    name: str = ""
    value: str | None = None
    value_from: Present | None = None


class VolumeMount(Object, frozen=True):
    """Where a container mounts a volume."""

    name: str = ""
    mount_path: str = ""
    read_only: bool | None = None
    sub_path: str | None = None


class Resources(Object, frozen=True):
    """Limits and requests, as written."""

    limits: Amounts | None = None
    requests: Amounts | None = None
    claims: list[Any] | None = None


class ExecAction(Object, frozen=True):
    """A command that the kubelet runs in a container."""

    command: tuple[str, ...] | None = None


class LifecycleHandler(Object, frozen=True):
    """What happens in a container at one moment of its life."""

    exec: ExecAction | None = None


class Lifecycle(Object, frozen=True):
    """What happens in a container when it has started."""

    post_start: LifecycleHandler | None = None


class Container(Object, frozen=True):
    """A container or init container."""

    name: str = ""
    image: str | None = None
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: tuple[EnvVar, ...] | None = None
    env_from: tuple[Present, ...] | None = None
    resources: Resources | None = None
    volume_mounts: tuple[VolumeMount, ...] | None = None
    restart_policy: str | None = None
    lifecycle: Lifecycle | None = None

    @property
    def post_start(self) -> tuple[str, ...]:
        """The command that the kubelet runs in it when it has started; empty if there is none."""
        handler = self.lifecycle.post_start if self.lifecycle else None
        return (handler.exec.command or ()) if handler and handler.exec else ()

    @property
    def is_sidecar(self) -> bool:
        """Whether an init container keeps running next to the containers (KEP-753)."""
        return self.restart_policy == "Always"
