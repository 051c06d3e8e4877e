"""Check the lengths in the header of a GGUF file.

A file is counts, metadata, the descriptions of the tensors, and the tensors: ggml-org/ggml,
docs/gguf.md, versions 2 and 3. Version 1 has shorter counts, and servers no longer read it.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

_MAGIC: Final = b"GGUF"
_FIRST: Final = 24
"""Bytes of magic, version and the two counts."""
_READ: Final = frozenset({2, 3})
"""Versions whose layout is known."""
_ALIGNMENT: Final = 32
"""Of the tensors, if the metadata do not say."""
_STRING: Final = 8
_ARRAY: Final = 9
_UINT32: Final = 4
_VALUES: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value of the metadata, by its type."""
_BLOCKS: Final = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110),
    22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8),
    29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36),
    41: (128, 18),
}  # fmt: skip
"""Elements and bytes of a block, by the tensor's type: ggml-org/llama.cpp, gguf-py constants.py
(GGML_QUANT_SIZES). Of any other type, only the start of the tensor is compared."""


class _Malformed(Exception):
    """The header is not one of GGUF."""


class _Header:
    """Reads numbers and strings; EOFError after the end of the file."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._size = stream, size
        self.order = "<"

    @property
    def position(self) -> int:
        """Bytes that were read."""
        return self._stream.tell()

    def take(self, size: int) -> bytes:
        """Return the next *size* bytes."""
        if size > self._size - self.position:
            raise EOFError
        return self._stream.read(size)

    def skip(self, size: int) -> None:
        """Go on *size* bytes later."""
        if size > self._size - self.position:
            raise EOFError
        self._stream.seek(size, os.SEEK_CUR)

    def number(self, form: str = "Q") -> int:
        """Return the next number; *form*: I for 32 bits, Q for 64."""
        form = self.order + form
        found: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return found

    def value(self, kind: int) -> None:
        """Skip a value of the metadata."""
        if kind == _STRING:
            self.skip(self.number())
        elif kind == _ARRAY:
            self._array(self.number("I"), self.number())
        elif size := _VALUES.get(kind):
            self.skip(size)
        else:
            raise _Malformed

    def _array(self, kind: int, count: int) -> None:
        if size := _VALUES.get(kind):
            self.skip(size * count)
            return
        for _ in range(count):
            self.value(kind)


def gguf_faults(file: Path) -> Iterator[str]:
    """Yield what is wrong with *file*, if it ends before its last tensor does."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        header = _Header(stream, size)
        if size < _FIRST:
            yield f"has {size} bytes, too few for a GGUF file"
            return
        if header.take(len(_MAGIC)) != _MAGIC:
            yield "is not a GGUF file: it does not begin with GGUF"
            return
        try:
            wanted = _length(header)
        except EOFError:
            yield f"is cut short: it has {size} bytes, and its header does not fit"
            return
        except (_Malformed, RecursionError):
            yield "is not a GGUF file: its header can't be read"
            return
    if size < wanted:
        yield f"is cut short: it has {size} bytes, its header says {wanted}"


def _length(header: _Header) -> int:
    """Return the bytes that a file has at least; 0 for a version whose layout is not known."""
    version = header.number("I")
    if version and not version & 0xFFFF:  # the other byte order
        version, header.order = version >> 24, ">"
    if version not in _READ:
        return 0
    tensors, pairs = header.number(), header.number()
    alignment = _ALIGNMENT
    for _ in range(pairs):
        key, kind = header.take(header.number()), header.number("I")
        if (key, kind) == (b"general.alignment", _UINT32):
            alignment = header.number("I")
        else:
            header.value(kind)
    ends = [_end(header) for _ in range(tensors)]
    if not alignment:
        raise _Malformed
    if not ends:
        return header.position
    return -(-header.position // alignment) * alignment + max(ends)


def _end(header: _Header) -> int:
    """Return where the next tensor ends, counted from the first one."""
    header.skip(header.number())
    elements = 1
    for _ in range(header.number("I")):
        elements *= header.number()
    block, size = _BLOCKS.get(header.number("I"), (1, 0))
    return header.number() + -(-elements // block) * size
