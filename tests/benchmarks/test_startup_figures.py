"""The results of the start-up benchmark: ratios, tables, JSON, picture."""

import io
import json
import re
import struct
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.startup import readme, tables
from benchmarks.startup.cells import CACHES, MB, NAIVE, STRATEGIES, Cell, cells, schedule, visits
from benchmarks.startup.figures import Figures, Injection, Start, read, write
from benchmarks.startup.plot import draw

GIB = 2**30
RATE = 50 * MB
SIZE = 2000 * MB
SECONDS = {
    (NAIVE, 1, ""): (41.0, 43.0, 42.0),
    (NAIVE, 10, ""): (400.0,),
    ("pvc", 1, "warm"): (2.0, 9.0, 2.1),
    ("pvc", 1, "cold"): (3.0, 3.5),
    ("pvc", 10, "warm"): (8.0, 8.2, 7.9),
    ("pvc", 10, "cold"): (39.0, 41.0),
    ("hostPath", 1, "warm"): (1.5,),
    ("hostPath", 1, "cold"): (2.5,),
    ("hostPath", 10, "warm"): (5.0,),
    ("hostPath", 10, "cold"): (41.0,),
    ("emptyDir", 1, "warm"): (4.0,),
    ("emptyDir", 1, "cold"): (5.0,),
    ("emptyDir", 4, "warm"): (10.0,),
    ("emptyDir", 4, "cold"): (16.0,),
}


@pytest.fixture
def figures() -> Figures:
    """A run whose strategy image was left out."""
    return Figures(
        time="2026-11-24T10:00:00+00:00",
        command="python -m benchmarks.startup --sizes 2GB",
        machine={"cores": "2"},
        rate=RATE,
        carried=RATE * 0.99,
        starts=tuple(
            Start(strategy=strategy, size=SIZE, replicas=count, cache=cache, seconds=seconds)
            for (strategy, count, cache), seconds in SECONDS.items()
        ),
        injection=(
            Injection(strategy="pvc", annotated=(9.0, 11.0, 99.0), plain=(7.0, 8.0, 7.5)),
            Injection(strategy="emptyDir", annotated=(12.5,), plain=(7.5,)),
        ),
    )


@pytest.mark.parametrize(
    ("strategy", "replicas", "cache", "ratio", "met"),
    [
        ("pvc", 1, "warm", 42 / 2.1, None),
        ("pvc", 10, "warm", 50.0, True),
        ("pvc", 10, "cold", 10.0, True),
        ("hostPath", 10, "cold", 400 / 41, False),
        ("emptyDir", 1, "cold", 8.4, None),
    ],
)
def test_a_start_is_compared_with_as_many_naive_pods_by_medians(
    strategy: str, replicas: int, cache: str, ratio: float, met: bool | None, figures: Figures
) -> None:
    start = figures.start(strategy, SIZE, replicas, cache)
    assert figures.sooner(start) == pytest.approx(ratio)
    assert figures.met(start) is met


def test_injection_adds_the_difference_of_two_medians(figures: Figures) -> None:
    assert [one.added for one in figures.injection] == [3.5, 5.0]
    assert [one.met for one in figures.injection] == [True, False]


def test_a_start_without_as_many_naive_pods_has_no_ratio(figures: Figures) -> None:
    assert figures.sooner(figures.start("emptyDir", SIZE, 4, "cold")) is None


def test_figures_that_were_not_measured_are_not_made_up(figures: Figures) -> None:
    with pytest.raises(KeyError):
        figures.start("image", SIZE, 1, "warm")


def test_json_has_the_run_and_the_derived_values(figures: Figures, tmp_path: Path) -> None:
    write(tmp_path / "new" / "run.json", figures)
    assert read(tmp_path / "new" / "run.json") == figures
    document = json.loads((tmp_path / "new" / "run.json").read_text())
    found = {(s["strategy"], s["replicas"], s["cache"]): s for s in document["starts"]}
    assert found["pvc", 10, "cold"]["median"] == 40.0
    assert (found["pvc", 10, "cold"]["sooner"], found["pvc", 10, "cold"]["met"]) == (10.0, True)
    assert "sooner" not in found[NAIVE, 1, ""]
    assert [one["added"] for one in document["injection"]] == [3.5, 5.0]


def printed(figures: Figures) -> list[str]:
    console = Console(width=170, record=True, file=io.StringIO())
    tables.show(figures, console)
    return console.export_text().splitlines()


def row(figures: Figures, strategy: str) -> str:
    """Return the two lines of a strategy in the table of the only model."""
    lines = printed(figures)
    number = next(n for n, line in enumerate(lines) if line.split()[:1] == [strategy])
    return lines[number] + lines[number + 1]


@pytest.mark.parametrize(
    ("strategy", "texts"),
    [
        (NAIVE, ["42.0 s ", "400 s ", "41.0 to 43.0 s, n 3", "n 1 ", "5 min"]),
        ("pvc", ["2.1 s, 20 times", "8.0 s, 50 times", "39.0 to 41.0 s, n 2", " yes "]),
        ("pvc", ["30 s, 10 times"]),
        ("hostPath", ["9.8 times", " no ", "5 s, 60 times"]),
        ("emptyDir", ["4 pods; n 1", "60 s, 5.0 times"]),
        ("image", ["0 s after pull"]),
    ],
)
def test_the_terminal_shows_medians_ratios_ranges_visits_and_what_is_met(
    strategy: str, texts: list[str], figures: Figures
) -> None:
    found = row(figures, strategy)
    assert [text for text in texts if text not in found] == []


def test_the_terminal_shows_what_injection_adds(figures: Figures) -> None:
    rows = [line.split() for line in printed(figures)]
    assert ["pvc", "11.0", "ms", "7.5", "ms", "3.5", "ms", "3", "<", "5", "ms", "yes"] in rows
    assert ["emptyDir", "12.5", "ms", "7.5", "ms", "5.0", "ms", "1", "<", "5", "ms", "no"] in rows


def test_a_table_says_where_fewer_pods_were_started(figures: Figures) -> None:
    (row,) = [r for r in tables.starts_markdown(figures, SIZE).splitlines() if "emptyDir" in r]
    assert "| 10.0 s (4 pods; n 1) |" in row
    assert "| 4.0 s, 10 times (n 1) |" in row


def test_markdown_has_a_row_for_each_strategy(figures: Figures) -> None:
    rows = tables.starts_markdown(figures, SIZE).splitlines()
    assert [row.split("|")[1].strip() for row in rows] == ["2 GB from", "---", NAIVE, *STRATEGIES]
    assert len({row.count("|") for row in rows}) == 1
    assert "| pvc | 11.0 ms | 7.5 ms | 3.5 ms | 3 |" in tables.injection_markdown(figures)


def test_the_picture_is_a_small_png(figures: Figures, tmp_path: Path) -> None:
    draw(figures, tmp_path / "run.png")
    content = (tmp_path / "run.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width > 300
    assert height > 300
    assert len(content) < 100_000


def test_pods_in_memory_are_as_many_as_fit() -> None:
    found = cells([64 * MB, SIZE], 22 * GIB)
    counts = {
        (cell.strategy, cell.size): {c.replicas for c in found if (c.strategy, c.size) == (cell.strategy, cell.size)}
        for cell in found
    }  # fmt: skip
    assert counts["emptyDir", SIZE] == {1, 5}
    assert counts["emptyDir", 64 * MB] == counts[NAIVE, SIZE] == counts["pvc", SIZE] == {1, 10}
    assert len(set(found)) == len(found)
    assert {cell.cache for cell in found if cell.strategy != NAIVE} == set(CACHES)


@pytest.mark.parametrize(
    ("strategy", "size", "replicas", "rounds", "expected"),
    [
        ("pvc", 64 * MB, 1, 5, 5),
        (NAIVE, 64 * MB, 1, 5, 5),  # 1.3 s on the link
        (NAIVE, 64 * MB, 10, 5, 2),  # 12.8 s
        (NAIVE, 64 * MB, 10, 1, 1),
        (NAIVE, SIZE, 1, 5, 1),  # 40 s
        (NAIVE, SIZE, 10, 5, 1),  # 400 s
    ],
)
def test_a_cell_that_takes_long_is_visited_less_often(
    strategy: str, size: int, replicas: int, rounds: int, expected: int
) -> None:
    cell = Cell(strategy=strategy, size=size, replicas=replicas, cache="")
    assert visits(cell, rounds, RATE) == expected


def test_each_round_visits_every_cell_that_is_due_once() -> None:
    every = cells([64 * MB, SIZE], 22 * GIB)
    order = list(schedule(every, 3, RATE))
    assert set(order[: len(every)]) == set(every)
    for cell in every:
        assert order.count(cell) == visits(cell, 3, RATE)


def test_text_is_written_only_between_its_marks() -> None:
    text = "a\n<!-- startup -->\nold\n<!-- end -->\nz\n"
    new = readme.marked(text, "new\n")
    assert new == "a\n<!-- startup -->\n\nnew\n\n<!-- end -->\nz\n"
    assert readme.marked(new, "new\n") == new
    with pytest.raises(ValueError, match="no marks"):
        readme.marked("a\n", "new\n")


@pytest.mark.parametrize("path", ["README.md", "benchmarks/README.md"])
def test_the_readme_shows_the_recorded_run(path: str) -> None:
    content = readme.tables(read(readme.RECORDED))[readme.ROOT / path]
    text = (readme.ROOT / path).read_text()
    assert readme.marked(text, content) == text
    pictures = re.findall(r"!\[[^]]+\]\((\S+\.png)\)", text)
    shown = [((readme.ROOT / path).parent / picture).resolve() for picture in pictures]
    assert shown[0] == readme.PICTURE
    assert all(picture.is_file() for picture in shown)
    assert readme.PICTURE.stat().st_size < 100_000
