"""Check one file of weights by its name and its first and last bytes."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from webhook.store.gguf import gguf_faults
from webhook.store.safetensors import header_faults

_TORCH: Final = frozenset({".bin", ".pt", ".pth", ".ckpt"})
"""Files of torch.save, which are zip archives since PyTorch 1.6, and plain pickles before."""
_ZIP: Final = b"PK\x03\x04"
_POINTER: Final = b"version https://git-lfs.github.com/spec/v1\n"
"""How the file begins that Git has in place of a large one: git-lfs, docs/spec.md."""
_LARGEST_POINTER: Final = 1024
CHECKED: Final = frozenset({".safetensors", ".gguf", *_TORCH})
"""Endings of the names of files that are checked here."""


def weight_faults(file: Path) -> Iterator[str]:
    """Yield what is wrong with a file of weights: it is cut short, or not what its name says."""
    if _is_pointer(file):
        yield "is a pointer of Git LFS, and not the weights: run git lfs pull where it came from"
    elif file.suffix == ".safetensors":
        yield from header_faults(file)
    elif file.suffix == ".gguf":
        yield from gguf_faults(file)
    elif file.suffix in _TORCH and _begins(file, _ZIP) and not zipfile.is_zipfile(file):
        yield f"is cut short: it has {file.stat().st_size} bytes, and not the end of its archive"


def _is_pointer(file: Path) -> bool:
    return file.stat().st_size < _LARGEST_POINTER and _begins(file, _POINTER)


def _begins(file: Path, start: bytes) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(start)) == start
