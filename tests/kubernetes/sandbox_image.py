"""Owns the sandbox image, whose process holds a pod's namespaces: a sleeping busybox."""

from pathlib import Path
from typing import Final

from tests.images.archive import Image, layer
from tests.kubernetes.packages import BUSYBOX

CONFIG: Final = {"Entrypoint": ["/bin/busybox", "sleep", "2147483647"]}


def write(folder: Path, name: str) -> Path:
    """Write an archive of the image with the name *name* into *folder*; return its path."""
    path = folder / "sandbox.tar"
    Image.of([layer(folder / "sandbox.layer", {"bin/busybox": BUSYBOX})], CONFIG).write(path, name)
    return path
