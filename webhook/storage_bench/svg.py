"""Draw the result as an SVG picture: a bar for each kind of read."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from webhook.storage_bench.result import Result, binary, rate, seconds
from webhook.storage_bench.row import Cache, Row
from webhook.values.text import printable

_WIDTH: Final = 1000
_LABELS: Final = 150
_BARS: Final = 400
_ROW: Final = 30
_TOP: Final = 64
_COLOURS: Final = {Cache.COLD: "#3b6ea5", Cache.WARM: "#d98c3f"}


def save(result: Result, file: Path) -> None:
    """Draw *result* to *file*, wholly or not at all; OSError if it can't be written."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        part.write_text("\n".join(_lines(result)) + "\n", encoding="utf-8")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def unwritable(file: Path) -> str:
    """Return why no picture can be written to *file*; "" if one can."""
    if file.suffix.lower() != ".svg":
        return "would be an SVG file: give a name that ends in .svg"
    if file.is_dir():
        return "is a directory"
    if not file.parent.is_dir():
        return f"{file.parent} is not a directory"
    return "" if os.access(file.parent, os.W_OK | os.X_OK) else "is not writable"


def _lines(result: Result) -> Iterator[str]:
    height = _TOP + _ROW * len(result.rows) + (30 if result.hint else 10)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13">'
    )
    yield f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
    yield _words(12, 24, result.title)
    yield _words(
        12,
        44,
        f"load time of {binary(result.model)}, and the median that it is computed from",
        "#666",
    )
    for number, row in enumerate(result.rows):
        yield from _row(row, result, _TOP + number * _ROW)
    if result.hint:
        yield _words(12, height - 12, result.hint, "#666")
    yield "</svg>"


def _row(row: Row, result: Result, top: int) -> Iterator[str]:
    yield _words(12, top + 18, row.name)
    median, load = row.median, row.load_seconds(result.model)
    if median is None or load is None:
        yield _words(_LABELS, top + 18, "; ".join(row.notes), "#666")
        return
    width = max(1, round(_BARS * load / result.longest))
    yield (
        f'<rect x="{_LABELS}" y="{top + 4}" width="{width}" height="{_ROW - 10}" '
        f'fill="{_COLOURS[row.cache]}"/>'
    )
    yield _words(_LABELS + width + 8, top + 18, f"{seconds(load)}, {rate(median)}")


def _words(x: int, y: int, text: str, colour: str = "#000") -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}">{escape(printable(text))}</text>'
