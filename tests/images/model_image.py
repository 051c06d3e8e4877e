"""Owns models as images: what a volume of type image mounts.

The archive is written by the caller's side of the test, for a model that the test made.
A node that imports it holds the model under a reference by digest, so that a kubelet with
pullPolicy IfNotPresent asks no registry.
"""

import tempfile
from pathlib import Path

from tests.images.archive import Image, layer


def write(path: Path, model: Path, repository: str) -> str:
    """Write the directory *model* as the archive *path*; return repository@sha256:….

    The same files give the same reference.
    """
    files: dict[str, bytes | Path] = {
        str(file.relative_to(model)): file
        for file in model.rglob("*")
        if file.is_symlink() or file.is_file()
    }
    with tempfile.TemporaryDirectory(dir=path.parent) as parts:
        image = Image.of([layer(Path(parts, "layer.tar"), files)], {})
        reference = f"{repository}@{image.digest}"
        image.write(path, reference)
    return reference
