"""A volume of a pod, with the kinds of sources that strategies use, and what makes it read-only."""

from typing import Final

import msgspec

from webhook.objects.meta import Object, Present


class ClaimSource(Object, frozen=True):
    """A claim: persistentVolumeClaim."""

    claim_name: str | None = None
    read_only: bool | None = None


class HostPathSource(Object, frozen=True):
    """A directory of the node: hostPath."""

    path: str | None = None
    type: str | None = None


class EmptyDirSource(Object, frozen=True):
    """A directory that lives as long as the pod: emptyDir."""

    medium: str | None = None
    size_limit: str | int | float | None = None


class ImageSource(Object, frozen=True):
    """An OCI image or artifact as a volume: image."""

    reference: str | None = None
    pull_policy: str | None = None


class StorageSource(Object, frozen=True):
    """A volume of another kind, which may be read-only."""

    read_only: bool | None = None


class Volume(Object, frozen=True):
    """A volume. If no strategy makes volumes of its kind, it has no `source`."""

    name: str = ""
    persistent_volume_claim: ClaimSource | None = None
    host_path: HostPathSource | None = None
    empty_dir: EmptyDirSource | None = None
    image: ImageSource | None = None
    config_map: Present | None = None
    secret: Present | None = None
    projected: Present | None = None
    downward_api: Present | None = msgspec.field(default=None, name="downwardAPI")
    csi: StorageSource | None = None
    nfs: StorageSource | None = None
    iscsi: StorageSource | None = None
    fc: StorageSource | None = None
    rbd: StorageSource | None = None
    cephfs: StorageSource | None = None
    glusterfs: StorageSource | None = None
    cinder: StorageSource | None = None
    quobyte: StorageSource | None = None
    storageos: StorageSource | None = None
    scale_io: StorageSource | None = msgspec.field(default=None, name="scaleIO")
    azure_disk: StorageSource | None = None
    azure_file: StorageSource | None = None
    flex_volume: StorageSource | None = None
    portworx_volume: StorageSource | None = None
    gce_persistent_disk: StorageSource | None = None
    aws_elastic_block_store: StorageSource | None = None

    @property
    def source(self) -> Object | None:
        """The source; None if it is of another kind, or if there are several."""
        found = [value for field in _MADE if (value := getattr(self, field)) is not None]
        return found[0] if len(found) == 1 else None

    @property
    def is_read_only(self) -> bool:
        """Whether the kubelet mounts it read-only, whatever a container says.

        So it does for what its volume plugin calls read-only (kubelet_pods.go, mustMountRO).
        """
        if any(getattr(self, field) is not None for field in _ALWAYS_READ_ONLY):
            return True
        sources = [getattr(self, field) for field in _MAY_BE_READ_ONLY]
        return any(source is not None and bool(source.read_only) for source in sources)


_MADE: Final = ("persistent_volume_claim", "host_path", "empty_dir", "image")
_ALWAYS_READ_ONLY: Final = ("image", "config_map", "secret", "projected", "downward_api")
_MAY_BE_READ_ONLY: Final = (
    "persistent_volume_claim", "csi", "nfs", "iscsi", "fc", "rbd", "cephfs", "glusterfs", "cinder",
    "quobyte", "storageos", "scale_io", "azure_disk", "azure_file", "flex_volume",
    "portworx_volume", "gce_persistent_disk", "aws_elastic_block_store",
)  # fmt: skip
