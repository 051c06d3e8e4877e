"""Owns the tables of README.md that are written from the code."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

README: Final = Path(__file__).parents[1] / "README.md"


def table(*rows: Iterable[str]) -> str:
    """Return a table of Markdown; the first row is its head."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(cells[0]), *lines[1:]])


def hold(name: str, content: str, *, update: bool) -> None:
    """Assert that the table *name* says *content*; make it so if *update*."""
    text = README.read_text()
    pattern = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- end -->)", re.DOTALL)
    [(_, found, _)] = pattern.findall(text)
    wanted = content + "\n"
    if update and found != wanted:
        README.write_text(pattern.sub(lambda m: m[1] + wanted + m[3], text))
        found = wanted
    assert found == wanted, "run this test with --update, and read the difference"
