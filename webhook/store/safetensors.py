"""Check the lengths in safetensors headers.

A file is 8 bytes of length, a JSON header of that length, and the tensors.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_LARGEST_HEADER: Final = 25_000_000
"""Bytes of the longest safetensors header that the hub accepts."""


def header_faults(file: Path) -> Iterator[str]:
    """Yield what is wrong with *file*, if its length is not what its header says."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        prefix = stream.read(8)
        if len(prefix) < 8:
            yield f"has {size} bytes, too few for a safetensors file"
            return
        length = struct.unpack("<Q", prefix)[0]
        if length > min(_LARGEST_HEADER, size - 8):
            yield "is cut short, or not a safetensors file: its header does not fit"
            return
        try:
            header: dict[str, Any] = json.loads(stream.read(length))
            ends = [int(t["data_offsets"][1]) for n, t in header.items() if n != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            yield "is not a safetensors file: its header can't be read"
            return
    wanted = 8 + length + max(ends, default=0)
    if size != wanted:
        yield f"has {size} bytes, its header says {wanted}"
