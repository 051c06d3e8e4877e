"""Build the images of the inference server that stands in for the real ones.

One contains only Python. The other also has the hub's library, and finds models by name.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.images.archive import Image, layer
from tests.images.base import BASE
from tests.images.build import build, sources
from tests.images.recipe import ROOT, Recipe, contents

SERVER: Final = "tests/images/inference_server"
HUB: Final = "tests/images/hub.Dockerfile"
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
    """Yield everything that decides the image's contents."""
    yield BASE.digest().encode()
    yield from contents(SERVER, "tests/images/inference.py")


def make(folder: Path) -> Image:
    """Return the image: the base, and the program of this checkout."""
    return _served(Image.read(BASE.path()), folder)


def hub_parts() -> Iterator[bytes]:
    """Yield everything that decides the contents of the image with the hub's library."""
    yield from parts()
    yield from sources(HUB)


def make_hub(folder: Path) -> Image:
    """Return the image: base, libraries, program."""
    return _served(build(folder, HUB, BASE.path()), folder)


def _served(below: Image, folder: Path) -> Image:
    files: dict[str, bytes | Path] = {
        f"{HOME}/{path.relative_to(ROOT)}": path for path in (ROOT / SERVER).glob("*.py")
    }
    return Image.of([*below.layers, layer(folder / "server.tar", files)], CONFIG)


INFERENCE_SERVER: Final = Recipe("inference-server", parts, make)
HUB_SERVER: Final = Recipe("hub-inference-server", hub_parts, make_hub)
