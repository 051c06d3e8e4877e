"""A model in an OCI registry: an artifact of files, or an image with the model in its layers.

A layer is a file if it has a title, as ORAS writes it, or a path, as ModelPack does. Layers of
images are tar, plain or with gzip, as in modelcars of KServe and in image volumes.
"""

import platform
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Final

from webhook.loading.origins.docker_config import login, of_token
from webhook.loading.origins.oci_manifest import (
    DIGEST,
    INDEXES,
    MANIFESTS,
    Descriptor,
    Manifest,
    Platform,
    checked_blobs,
    decoded,
)
from webhook.loading.origins.origin import Access, Body, RemoteFile, Snapshot, Unavailable
from webhook.loading.origins.registry import Registry
from webhook.models.source import Source
from webhook.values.text import quoted

_REPOSITORY: Final = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG: Final = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DEFAULT_TAG: Final = "latest"
_ACCEPT: Final = ", ".join((*MANIFESTS, *INDEXES))
_TITLE: Final = "org.opencontainers.image.title"
_FILE_PATH: Final = "org.cncf.model.filepath"
_UNPACK: Final = "io.deis.oras.content.unpack"
_ARCHIVE: Final = re.compile(r".*[.+]tar(?:[.+](?:gzip|zstd))?")
_MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


class Oci:
    """One tag or digest of one repository."""

    def __init__(self, source: Source, access: Access) -> None:
        """ValueError if its URI is not oci://registry/repository[:tag]."""
        uri = source.uri
        host, _, rest = uri.partition("://")[2].partition("/")
        repository, _, tag = rest.partition(":")
        if not _REPOSITORY.fullmatch(repository) or not _TAG.fullmatch(tag or _DEFAULT_TAG):
            raise ValueError(f"{quoted(uri, 120)} must be oci://registry/repository[:tag]")
        self._uri = uri
        self._reference = source.commit or tag or _DEFAULT_TAG
        who = of_token(access.token) if access.token else login(host, repository)
        self._registry = Registry(host, repository, who)

    def snapshot(self) -> Snapshot:
        """Return its files and layers; the digest of the tag is the commit."""
        commit, manifest = self._manifest(self._reference)
        if manifest.manifests is not None:
            _, manifest = self._manifest(self._ours(manifest.manifests).digest)
        if not manifest.layers:
            raise Unavailable(f"{self._uri}: is neither an artifact nor an image with layers")
        checked_blobs(self._uri, manifest.layers)
        archives = [layer for layer in manifest.layers if _is_archive(layer)]
        files = [layer for layer in manifest.layers if layer not in archives]
        if nameless := [layer.digest for layer in files if not _name(layer)]:
            raise Unavailable(
                f"{self._uri}: {', '.join(nameless[:5])}: neither a tar nor a file with a title "
                f"({_TITLE})"
            )
        return Snapshot(
            commit,
            tuple(layer.file(_name(layer)) for layer in files),
            tuple(layer.file(f"{n:04}") for n, layer in enumerate(archives)),
        )

    def open(self, file: RemoteFile, start: int) -> AbstractContextManager[Body]:
        """Return a context that yields a blob; the caller compares its digest."""
        return self._registry.blob(f"sha256:{file.sha256}", start)

    def close(self) -> None:
        """Close connections."""
        self._registry.close()

    def _manifest(self, reference: str) -> tuple[str, Manifest]:
        digest, content = self._registry.manifest(reference, _ACCEPT)
        return digest, decoded(self._uri, digest, content)

    def _ours(self, found: Iterable[Descriptor]) -> Descriptor:
        """Return the only manifest of an index, or the one for this machine."""
        manifests = [one for one in found if one.media_type in (*MANIFESTS, "")]
        machine = platform.machine()
        wanted = Platform("linux", _MACHINES.get(machine, machine))
        fitting = [one for one in manifests if one.platform == wanted]
        if len(manifests) == 1 or fitting:
            chosen = (fitting or manifests)[0]
            if DIGEST.fullmatch(chosen.digest):
                return chosen
        raise Unavailable(
            f"{self._uri}: is an index of {len(manifests)}, none for linux/{wanted.architecture}: "
            "give the digest of one"
        )


def _is_archive(layer: Descriptor) -> bool:
    if layer.annotations.get(_UNPACK) == "true":
        return True
    # By default ORAS gives every file the type tar; a title says that it is a file.
    titled = _TITLE in layer.annotations and ".cncf.model." not in layer.media_type
    return not titled and bool(_ARCHIVE.fullmatch(layer.media_type))


def _name(layer: Descriptor) -> str:
    return layer.annotations.get(_TITLE) or layer.annotations.get(_FILE_PATH, "")
