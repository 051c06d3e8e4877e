"""The layers of an image: all fetched, compared with their digests, then unpacked in order."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from webhook.loading.capacity import fits
from webhook.loading.layers import Layers
from webhook.loading.origins.origin import RemoteFile
from webhook.loading.patterns import Patterns
from webhook.loading.transfer import Transfer


def unpacked(
    transfer: Transfer,
    layers: Sequence[RemoteFile],
    folder: Path,
    patterns: Patterns,
    parallel: int,
    report: Callable[[int], None],
) -> Layers:
    """Return what *layers* make, unpacked below *folder*; Unavailable, OSError."""
    replace(transfer, files=folder, stop=threading.Event()).all(layers, parallel, report)
    scratch = folder.with_name("unpacked")
    scratch.mkdir()
    image = Layers(
        scratch, patterns, lambda size: fits(folder, size, "a file of it"), transfer.deadline
    )
    for layer in layers:
        image.add(folder / layer.path)
        (folder / layer.path).unlink()  # room for the next
    return image
