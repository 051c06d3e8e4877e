"""A volume of a pod, with the kinds of sources that strategies use."""

from webhook.objects.meta import Object


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


class Volume(Object, frozen=True):
    """A volume. If its source is of another kind, all sources are None."""

    name: str = ""
    persistent_volume_claim: ClaimSource | None = None
    host_path: HostPathSource | None = None
    empty_dir: EmptyDirSource | None = None
    image: ImageSource | None = None

    @property
    def source(self) -> Object | None:
        """The source; None if it is of another kind, or if there are several."""
        found = [
            value
            for field in self.__struct_fields__
            if field != "name" and (value := getattr(self, field)) is not None
        ]
        return found[0] if len(found) == 1 else None
