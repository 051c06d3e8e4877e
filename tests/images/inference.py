"""Owns the image of the inference server that stands in for the real ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.images.archive import Image, layer
from tests.images.base import BASE
from tests.images.recipe import ROOT, Recipe, contents

SERVER: Final = "tests/images/inference_server"
HOME: Final = "opt/inference"
CONFIG: Final = {
    "User": "65532:65532",
    "Env": [
        "PATH=/usr/local/bin:/usr/bin:/bin",
        f"PYTHONPATH=/{HOME}",
        "PYTHONDONTWRITEBYTECODE=1",
    ],
    "Entrypoint": ["python3", "-S", "-m", SERVER.replace("/", ".")],
    "ExposedPorts": {"8000/tcp": {}},
}


def parts() -> Iterator[bytes]:
    """Yield all that decides what the image holds."""
    yield BASE.digest().encode()
    yield from contents(SERVER, "tests/images/inference.py")


def make(folder: Path) -> Image:
    """Return the image: the base, and the program as it stands here."""
    files: dict[str, bytes | Path] = {
        f"{HOME}/{path.relative_to(ROOT)}": path for path in (ROOT / SERVER).glob("*.py")
    }
    server = layer(folder / "server.tar", files)
    return Image.of([*Image.read(BASE.path()).layers, server], CONFIG)


INFERENCE_SERVER: Final = Recipe("inference-server", parts, make)
