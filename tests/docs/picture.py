"""Draw the packages of `webhook` in their layers, as docs/architecture.md shows them.

The layers are those of the first contract in pyproject.toml; what a package does is said in the
map of webhook/__init__.py.
"""

import re
import textwrap
import tomllib
from typing import Final
from xml.sax.saxutils import escape

from tests.docs.manual import ROOT

WIDTH: Final = 760
LEFT: Final = 96
"""Pixels for the names of the bands."""
GAP: Final = 8
HEAD: Final = 32
"""Pixels for the name of a package."""
LINE: Final = 16
"""Pixels for each line of what it does."""
MOST: Final = 4
"""Packages in a row."""
BANDS: Final = {
    "cli": ("options", "#fde9d3"),
    "server": ("programs", "#dcebfb"),
    "custom_resources": ("libraries", "#e2f2e1"),
}
"""First package of a band → its name and colour."""


def layers() -> list[list[str]]:
    """Return the packages of each layer, from the top down; a long layer in two rows."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    rows = [
        [name.strip() for name in row.split("|")] for row in contracts["contracts"][0]["layers"]
    ]
    found = []
    for row in rows:
        half = len(row) if len(row) <= MOST else -(-len(row) // 2)
        found += [row[:half], row[half:]]
    return [row for row in found if row and row != ["__main__"]]


def purposes() -> dict[str, str]:
    """Return package → what it does."""
    text = (ROOT / "webhook" / "__init__.py").read_text()
    found = re.findall(r"^    (\w+)/ +(.*(?:\n {24}.*)*)$", text, re.MULTILINE)
    return {name: " ".join(purpose.split()) for name, purpose in found}


def svg() -> str:
    """Return the picture."""
    said = purposes()
    parts: list[str] = []
    bands: list[tuple[str, int, int]] = []
    y, fill = GAP, ""
    for row in layers():
        if row[0] in BANDS:
            name, fill = BANDS[row[0]]
            y += GAP * 2 * bool(bands)
            bands.append((name, y, y))
        width = (WIDTH - LEFT - GAP * len(row)) // len(row)
        wrapped = [textwrap.wrap(said[package], int(width / 6.8)) for package in row]
        height = HEAD + LINE * max(map(len, wrapped))
        for place, (package, lines) in enumerate(zip(row, wrapped, strict=True)):
            x = LEFT + place * (width + GAP)
            parts += _box(package, lines, x, y, width, height, fill)
        name, top, _ = bands[-1]
        bands[-1] = (name, top, y + height)
        y += height + GAP
    parts += [_text(name, 12, (top + end) // 2 + 5, 16, "#57606a") for name, top, end in bands]
    size = f'viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">',
            "<title>The packages of modelcache, in layers: imports go down</title>",
            f'<rect width="{WIDTH}" height="{y}" rx="6" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        )
    )


def _box(
    name: str, lines: list[str], x: int, y: int, width: int, height: int, fill: str
) -> list[str]:
    size = f'x="{x}" y="{y}" width="{width}" height="{height}"'
    return [
        f'<rect {size} rx="4" fill="{fill}" stroke="#8c959f"/>',
        _text(name, x + 8, y + 21, 14, "#1f2328", weight="bold"),
        *(_text(line, x + 8, y + 40 + LINE * n, 12, "#1f2328") for n, line in enumerate(lines)),
    ]


def _text(text: str, x: int, y: int, size: int, fill: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" '
        f'fill="{fill}">{escape(text)}</text>'
    )
