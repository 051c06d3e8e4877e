"""Owns the models: one for each size, published in the stores of the node's disk."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.store.models import COMMIT, publish
from webhook.models.layout import hub_folder


@dataclass(frozen=True, slots=True)
class Model:
    """One model, whose weights are a single file."""

    size: int
    """Bytes of the weights."""

    @property
    def repository(self) -> str:
        """Its name on the hub."""
        return f"startup/{self.size}-bytes"

    @property
    def name(self) -> str:
        """The value of the annotation: a model pinned to a commit."""
        return f"{self.repository}@{COMMIT}"

    @property
    def directory(self) -> str:
        """The directory below the root of a store."""
        return f"{hub_folder(self.repository)}/{COMMIT}"

    def publish(self, store: Path, other: Path) -> list[Path]:
        """Write it to the disk below *store*, link it below *other*; return its files in *store*.

        The two share the disk's blocks and the pages in memory, but no directory.
        """
        directory = publish(store, self.repository, self.size, shards=1)
        linked = other / self.directory
        linked.mkdir(parents=True)
        return list(_linked(directory, linked))


def _linked(directory: Path, other: Path) -> Iterator[Path]:
    for file in sorted(directory.iterdir()):
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # pages that are not on the disk yet can't be dropped
        finally:
            os.close(descriptor)
        (other / file.name).hardlink_to(file)
        yield file
