"""Build the product's image: the Dockerfile of this checkout, on the base image of the tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.images.archive import Image
from tests.images.base import BASE
from tests.images.build import build, sources
from tests.images.recipe import Recipe
from tests.kubernetes import packages


def parts() -> Iterator[bytes]:
    """Yield everything that decides the image's contents."""
    yield BASE.digest().encode()
    yield from sources("Dockerfile")


def make(folder: Path) -> Image:
    """Return the image."""
    packages.install()
    return build(folder, "Dockerfile", BASE.path())


MODELCACHE: Final = Recipe("modelcache", parts, make)
