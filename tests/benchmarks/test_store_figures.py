"""The results of the store benchmark, and what the README says about them."""

import struct
from functools import partial
from pathlib import Path

import pytest

from benchmarks.store.contest import Contest, Contestant, Result, Run, once, results
from benchmarks.store.report import README, RECORDED, draw, markdown, read, recorded

RESULT = Result(
    title="copy",
    size=4 * 10**9,
    runs={
        "ours": [Run(2.0, 3 * 2**20, 1.0), Run(4.0, 5 * 2**20, 1.0), Run(2.0, 3 * 2**20, 1.0)],
        "theirs": [Run(1.0, 2**20, 1.0), Run(8.0, 2**20, 1.0), Run(4.0, 2**20, 1.0)],
    },
)


def test_a_ratio_is_taken_within_a_round_and_a_row_shows_the_median_of_all() -> None:
    assert RESULT.faster("theirs") == [0.5, 2.0, 2.0]
    lines = markdown([RESULT]).splitlines()
    assert lines[2:] == [
        "| **copy** | | | | |",
        "| ours | 2.00 s | 2.00 |  | 3 MiB |",
        "| theirs | 4.00 s | 1.00 | 2.00 (0.50 to 2.00) | 1 MiB |",
    ]


def test_every_command_runs_in_every_round_after_what_is_made_ready(tmp_path: Path) -> None:
    ready: list[str] = []
    words = {"a": ["touch", str(tmp_path / "a")], "b": ["touch", str(tmp_path / "b")]}
    contestants = [
        Contestant(name=name, command=command, before=partial(ready.append, name))
        for name, command in words.items()
    ]
    (found,) = results([Contest(title="t", size=1, contestants=contestants)], 3)
    assert {name: len(runs) for name, runs in found.runs.items()} == {"a": 3, "b": 3}
    assert sorted(ready) == ["a"] * 3 + ["b"] * 3
    assert all(run.seconds > 0 and run.peak > 2**18 for runs in found.runs.values() for run in runs)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_a_command_that_fails_ends_the_run() -> None:
    with pytest.raises(RuntimeError, match="no ended with 1"):
        once(Contestant(name="no", command=["false"], before=lambda: None))


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    draw([RESULT, RESULT], tmp_path / "new" / "x.png")
    head = (tmp_path / "new" / "x.png").read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", head[16:])
    assert width > height > 100


def test_the_readme_shows_the_recorded_figures() -> None:
    text = README.read_text()
    assert recorded(read(RECORDED), text) == text
    assert RECORDED.with_suffix(".png").stat().st_size < 100_000
