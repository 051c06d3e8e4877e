"""Write and read image archives: OCI layouts in one tar, with the same bytes each time.

`ctr images import` gives the image every name in its index, unchanged. One of them is
name@sha256:…: a kubelet looks for that name when an image volume refers to it.
(https://github.com/opencontainers/image-spec, image-layout.md)
"""

import dataclasses
import hashlib
import io
import json
import os
import platform
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

IMAGE_NAME: Final = "io.containerd.image.name"
"""The annotation that ctr takes as the whole name."""
MEDIA_TYPE: Final = "application/vnd.oci.image."
AGE: Final = "1970-01-01T00:00:00Z"
ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Blob:
    """Bytes with their digest: in memory, or in a file from *offset* on."""

    content: bytes | Path
    media_type: str
    digest: str
    """sha256:…"""
    size: int
    offset: int = 0

    @classmethod
    def of(cls, content: bytes | Path, media_type: str) -> "Blob":
        """Return *content* with its digest."""
        if isinstance(content, bytes):
            digest, size = hashlib.sha256(content).hexdigest(), len(content)
        else:
            with content.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = content.stat().st_size
        return cls(content, f"{MEDIA_TYPE}{media_type}", f"sha256:{digest}", size)

    @classmethod
    def json(cls, content: Json, media_type: str) -> "Blob":
        """Return *content* as JSON without spaces."""
        return cls.of(json.dumps(content, separators=(",", ":")).encode(), media_type)

    def open(self) -> BinaryIO:
        """Return an open file, at the first of the bytes."""
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        file = self.content.open("rb")
        file.seek(self.offset)
        return file

    def descriptor(self) -> Json:
        """Return the descriptor by which a manifest or an index refers to it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclasses.dataclass(frozen=True, slots=True)
class Image:
    """A manifest, with its configuration and its layers."""

    manifest: Blob
    blobs: tuple[Blob, ...]

    @classmethod
    def of(cls, layers: Sequence[Blob], config: Json) -> "Image":
        """Return the image of uncompressed *layers*, with *config* as its settings."""
        whole = {
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "created": AGE,
            "config": config,
            # Optional, but buildah needs one entry for each layer of an image that it builds on.
            "history": [{"created": AGE} for _ in layers],
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        }
        return cls._of(Blob.json(whole, "config.v1+json"), layers)

    @classmethod
    def _of(cls, config: Blob, layers: Sequence[Blob]) -> "Image":
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{MEDIA_TYPE}manifest.v1+json",
            "config": config.descriptor(),
            "layers": [layer.descriptor() for layer in layers],
        }
        return cls(Blob.json(manifest, "manifest.v1+json"), (config, *layers))

    @property
    def digest(self) -> str:
        """The part of a reference by digest after the @."""
        return self.manifest.digest

    @property
    def config(self) -> Json:
        """The image's configuration: how it runs, and the digests of its layers."""
        with self.blobs[0].open() as file:
            content: Json = json.loads(file.read(self.blobs[0].size))
        return content

    @property
    def layers(self) -> tuple[Blob, ...]:
        """The layers of the root filesystem, the lowest first."""
        return self.blobs[1:]

    @classmethod
    def read(cls, path: Path) -> "Image":
        """Return the image of an archive of write(); layers are read when they are used."""
        members = Members(path)
        entry = members.json("index.json")["manifests"][0]
        content = members.json(f"blobs/{_file(entry['digest'])}")
        parts = (entry, content["config"], *content["layers"])
        manifest, *blobs = (members.blob(f"blobs/{_file(part['digest'])}", part) for part in parts)
        return cls(manifest, tuple(blobs))

    @classmethod
    def read_docker(cls, path: Path) -> "Image":
        """Return the only image of a docker-archive, whose layers are not compressed."""
        members = Members(path)
        entry = members.json("manifest.json")[0]
        config = members.json(entry["Config"])
        whole = Blob.of(members.bytes(entry["Config"]), "config.v1+json")
        kind = f"{MEDIA_TYPE}layer.v1.tar"
        names = zip(entry["Layers"], config["rootfs"]["diff_ids"], strict=True)
        layers = [members.blob(n, {"mediaType": kind, "digest": digest}) for n, digest in names]
        return cls._of(whole, layers)

    def write(self, path: Path, *names: str) -> None:
        """Write the archive *path*; an importer gives the image these *names*."""
        index: Json = {
            "schemaVersion": 2,
            "mediaType": f"{MEDIA_TYPE}index.v1+json",
            "manifests": [
                self.manifest.descriptor() | {"annotations": {IMAGE_NAME: whole_name(name)}}
                for name in names
            ],
        }
        blobs = {blob.digest: blob for blob in (self.manifest, *self.blobs)}
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with tarfile.open(unfinished, "w", format=tarfile.PAX_FORMAT) as tar:
                _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
                _add(tar, "index.json", json.dumps(index).encode())
                for blob in blobs.values():
                    entry = tarfile.TarInfo(f"blobs/{_file(blob.digest)}")
                    entry.size = blob.size
                    with blob.open() as file:
                        tar.addfile(entry, file)
            unfinished.rename(path)
        finally:
            unfinished.unlink(missing_ok=True)


class Members:
    """The files of an archive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with tarfile.open(path) as tar:
            self._members = {member.name: member for member in tar}

    def bytes(self, name: str) -> bytes:
        """Return the content of a small file."""
        member = self._members[name]
        with self.path.open("rb") as file:
            file.seek(member.offset_data)
            return file.read(member.size)

    def json(self, name: str) -> Any:
        """Return the decoded content of a JSON file."""
        return json.loads(self.bytes(name))

    def blob(self, name: str, entry: Json) -> Blob:
        """Return a file as the blob that *entry* describes."""
        member = self._members[name]
        kind, digest = entry["mediaType"], entry["digest"]
        return Blob(self.path, kind, digest, member.size, member.offset_data)


def whole_name(name: str) -> str:
    """Return *name* with the registry it implies, as the kubelet's runtime completes it."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if set(first) & set(".:") or first == "localhost" else f"docker.io/{name}"


def layer(path: Path, files: Mapping[str, bytes | Path]) -> Blob:
    """Write a layer with *files* to *path*: relative path → content, or a file or a link.

    All users may read the files. They belong to root, and all have the same time.
    """
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for folder in sorted({folder for name in files for folder in _above(name)}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, content in sorted(files.items()):
            _add(tar, name, content)
    return Blob.of(path, "layer.v1.tar")


def _above(name: str) -> Iterator[str]:
    parts = name.split("/")[:-1]
    yield from ("/".join(parts[: count + 1]) for count in range(len(parts)))


def _add(tar: tarfile.TarFile, name: str, content: bytes | Path) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = 0o644
    if isinstance(content, bytes):
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    elif content.is_symlink():
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, str(content.readlink()), 0o777
        tar.addfile(entry)
    else:
        found = content.stat()
        entry.size = found.st_size
        entry.mode = 0o755 if found.st_mode & stat.S_IXUSR else 0o644
        with content.open("rb") as file:
            tar.addfile(entry, file)


def _file(digest: str) -> str:
    return digest.replace(":", "/")
