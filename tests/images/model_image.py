"""Write models as images, which volumes of type image mount.

A test makes a model and writes it as an archive. A node that imports the archive has the image
under a reference by digest, so a kubelet with pullPolicy IfNotPresent asks no registry.
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
