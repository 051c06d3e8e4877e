"""Owns the image that holds a pod's namespaces: busybox, asleep."""

import hashlib
import io
import json
import os
import platform
import tarfile
from pathlib import Path
from typing import Any, Final

from tests.cluster.packages import BUSYBOX

ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def write(path: Path, name: str) -> Path:
    """Write the image as a docker-archive to *path*, under *name*; return *path*."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        _add(archive, "bin/busybox", BUSYBOX.read_bytes(), 0o755)
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config: dict[str, Any] = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": ["/bin/busybox", "sleep", "2147483647"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    with tarfile.open(unfinished, "w") as archive:
        _add(archive, "layer.tar", layer.getvalue())
        _add(archive, "config.json", json.dumps(config).encode())
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    unfinished.rename(path)
    return path
