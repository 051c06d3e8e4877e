"""Read the manifest of an OCI or Docker registry: which blobs an image or an artifact has."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from webhook.loading.origins.origin import RemoteFile, Unavailable
from webhook.values.text import quoted

INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class Platform(msgspec.Struct):
    """The machine that an image is for."""

    os: str = ""
    architecture: str = ""


class Descriptor(msgspec.Struct, rename="camel"):
    """A blob, or a manifest of an index."""

    digest: str
    size: int
    media_type: str = ""
    annotations: dict[str, str] = {}
    platform: Platform | None = None

    def file(self, path: str) -> RemoteFile:
        """Return the blob as the file *path* of a model."""
        return RemoteFile(path, self.size, sha256=self.digest.removeprefix("sha256:"))


class Manifest(msgspec.Struct, rename="camel"):
    """A manifest, or an index of several."""

    config: Descriptor | None = None
    layers: list[Descriptor] | None = None
    manifests: list[Descriptor] | None = None


def decoded(uri: str, digest: str, content: bytes) -> Manifest:
    """Return the manifest of *uri* that has *digest*; Unavailable if it is none."""
    try:
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Unavailable(f"{uri}: {digest} is not a manifest: {error}") from error


def checked_blobs(uri: str, blobs: Iterable[Descriptor]) -> None:
    """Raise Unavailable if a digest or a size can't be one, since digests become parts of URLs."""
    for blob in blobs:
        if not DIGEST.fullmatch(blob.digest) or blob.size < 0:
            raise Unavailable(
                f"{uri}: its manifest has a layer {quoted(blob.digest)} of {blob.size} bytes"
            )
