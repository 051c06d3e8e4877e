"""Owns the image that holds a pod's namespaces: busybox, asleep."""

from pathlib import Path
from typing import Final

from tests.images.archive import Image, layer
from tests.kubernetes.packages import BUSYBOX

CONFIG: Final = {"Entrypoint": ["/bin/busybox", "sleep", "2147483647"]}


def write(folder: Path, name: str) -> Path:
    """Return an archive of the image, under *name*, in *folder*."""
    path = folder / "sandbox.tar"
    Image.of([layer(folder / "sandbox.layer", {"bin/busybox": BUSYBOX})], CONFIG).write(path, name)
    return path
