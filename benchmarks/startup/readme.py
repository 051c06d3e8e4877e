"""Write the recorded figures into the README files, each between two marks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.startup.figures import Figures
from benchmarks.startup.tables import (
    headline_markdown,
    injection_markdown,
    size_of,
    starts_markdown,
)

ROOT: Final = Path(__file__).parents[2]
RECORDED: Final = Path(__file__).with_name("recorded.json")
"""The run that the README files show."""
PICTURE: Final = RECORDED.with_name("recorded.png")


def tables(figures: Figures) -> Mapping[Path, str]:
    """Return the text between the marks of each README: a sentence in README.md, else tables."""
    machine = "{cores} cores, {memory}, load {load} before".format_map(figures.machine)
    source = f"By `{figures.command}` on {machine}, {figures.time[:10]}.\n"
    sizes = figures.sizes()
    every = "\n".join(f"**{size_of(size)}**\n\n{starts_markdown(figures, size)}" for size in sizes)
    return {
        ROOT / "README.md": headline_markdown(figures),
        ROOT / "benchmarks" / "README.md": f"{every}\n{injection_markdown(figures)}\n{source}",
    }


def marked(text: str, content: str, mark: str = "startup") -> str:
    """Return *text* with *content* between the marks; ValueError if it has none."""
    before, begin, rest = text.partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition("<!-- end -->\n")
    if not begin or not end:
        raise ValueError(f"has no marks <!-- {mark} --> and <!-- end -->")
    return f"{before}{begin}\n{content}\n{end}{after}"


def update(figures: Figures) -> None:
    """Write the tables of *figures* into the README files."""
    for path, content in tables(figures).items():
        path.write_text(marked(path.read_text(), content))
