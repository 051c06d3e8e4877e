"""A model in Ollama's registry, written as the store of blobs and manifests that Ollama reads.

The registry speaks the protocol of Docker's. A manifest lies at
manifests/<host>/<namespace>/<model>/<tag>, a blob at blobs/sha256-<hex>: ollama/ollama,
types/model/name.go (Filepath) and server/modelpath.go (GetBlobsPath), 0.33.0-rc.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from webhook.loading.origins.oci_manifest import MANIFESTS, checked_blobs, decoded
from webhook.loading.origins.origin import Access, Body, RemoteFile, Snapshot, Unavailable
from webhook.loading.origins.registry import Registry
from webhook.models.source import Source

_HOST: Final = "registry.ollama.ai"
_DEFAULT_TAG: Final = "latest"


class Ollama:
    """One tag of one model."""

    def __init__(self, source: Source, _access: Access) -> None:
        self._uri = source.uri
        *host, namespace, model = source.uri.partition("://")[2].split("/")
        name, _, tag = model.partition(":")
        self._tag = tag or _DEFAULT_TAG
        self._host = host[0] if host else _HOST
        self._name = f"{namespace}/{name}"
        self._registry = Registry(self._host, self._name, None)
        self._content = b""

    def snapshot(self) -> Snapshot:
        """Return the manifest and the blobs that it names; its digest is the commit."""
        digest, self._content = self._registry.manifest(self._tag, MANIFESTS[-1])
        manifest = decoded(self._uri, digest, self._content)
        if not manifest.layers or not manifest.config:
            raise Unavailable(f"{self._uri}: is not a model of Ollama, which has layers and config")
        blobs = {blob.digest: blob for blob in (manifest.config, *manifest.layers)}
        checked_blobs(self._uri, blobs.values())
        place = f"manifests/{self._host}/{self._name}/{self._tag}"
        files = [RemoteFile(place, len(self._content), sha256=digest.removeprefix("sha256:"))]
        files += [blob.file(f"blobs/{blob.digest.replace(':', '-')}") for blob in blobs.values()]
        return Snapshot(digest, tuple(files))

    @contextmanager
    def open(self, file: RemoteFile, start: int) -> Iterator[Body]:
        """Yield a blob from byte *start* on, or the manifest; the caller compares the digest."""
        if file.path.startswith("manifests/"):
            yield Body(0, iter([self._content]))
            return
        with self._registry.blob(f"sha256:{file.sha256}", start) as body:
            yield body

    def close(self) -> None:
        """Close connections."""
        self._registry.close()
