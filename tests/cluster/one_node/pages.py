"""Owns models of an exact number of pages.

A tmpfs counts pages, at least one for each file. A model here is one file and its manifest, so that
it can fill a volume exactly.
"""

from pathlib import Path
from typing import Final

from tests.kubernetes.node import Node
from tests.store.models import COMMIT, manifest
from webhook.models.layout import MANIFEST, hub_folder

PAGE: Final = 4096
WEIGHTS: Final = "weights.bin"


def directory(node: Node, repository: str) -> Path:
    """Return the path of the commit of *repository* in the cache of *node*."""
    return node.cache / hub_folder(repository) / COMMIT


def publish(node: Node, repository: str, size: int) -> str:
    """Put a model of *size* bytes of pages into the cache of *node*; return its name."""
    folder = directory(node, repository)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / WEIGHTS).open("wb") as weights:
        weights.truncate(size - PAGE)
    manifest(folder, f"hf://{repository}")
    assert (folder / MANIFEST).stat().st_size <= PAGE
    return f"{repository}@{COMMIT}"
