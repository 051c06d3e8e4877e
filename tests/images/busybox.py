"""Build the image that contains only busybox, with a link for each of its commands."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.images.archive import Image, layer
from tests.images.recipe import Recipe
from tests.kubernetes import packages

CONFIG: Final = {"Env": ["PATH=/bin"], "Cmd": ["sh"]}


def parts() -> Iterator[bytes]:
    """Yield everything that decides the image's contents."""
    packages.install()
    yield packages.BUSYBOX.read_bytes()
    yield repr(CONFIG).encode()


def make(folder: Path) -> Image:
    """Return the image; its layer is a file in *folder*."""
    listed = subprocess.run(
        [packages.BUSYBOX, "--list"], capture_output=True, text=True, check=True
    )  # fmt: skip
    links = folder / "links"
    links.mkdir()
    files: dict[str, bytes | Path] = {"bin/busybox": packages.BUSYBOX}
    for name in listed.stdout.split():
        if name != "busybox":
            (links / name).symlink_to("busybox")
            files[f"bin/{name}"] = links / name
    return Image.of([layer(folder / "layer.tar", files)], CONFIG)


BUSYBOX: Final = Recipe("busybox", parts, make)
