"""Read and write the generated parts of the documents: README.md and docs/.

A generated part stands between `<!-- NAME -->` and `<!-- end -->`, in whichever page has the marks.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
DOCS: Final = ROOT / "docs"


def pages() -> list[Path]:
    """Return README.md and every page below docs/."""
    return [README, *sorted(DOCS.rglob("*.md"))]


def page_of(name: str) -> Path:
    """Return the one page that has the marks of the part *name*."""
    [found] = [page for page in pages() if f"<!-- {name} -->\n" in page.read_text()]
    return found


def part(name: str) -> str:
    """Return the text between the marks of *name*."""
    _, _, rest = page_of(name).read_text().partition(f"<!-- {name} -->\n")
    return rest.partition("<!-- end -->")[0]


def line(start: str) -> str:
    """Return the one line of all pages that begins as the pattern *start* says."""
    [found] = [
        text for page in pages() for text in page.read_text().splitlines() if re.match(start, text)
    ]
    return found


def table(*rows: Iterable[str]) -> str:
    """Return a table of Markdown; the first row is its head."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(cells[0]), *lines[1:]])


def hold(name: str, content: str, *, update: bool) -> None:
    """Assert that the part *name* is *content*; write it there first if *update*."""
    page = page_of(name)
    text = page.read_text()
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n)(.*?)(<!-- end -->)", re.DOTALL)
    [(_, found, _)] = pattern.findall(text)
    wanted = content + "\n"
    if update and found != wanted:
        page.write_text(pattern.sub(lambda m: m[1] + wanted + m[3], text))
        found = wanted
    assert found == wanted, "run this test with --update, and read the difference"
