"""The behaviours that no release may break (P0 …) and the faults to survive (c…): each has a test.

A test names its rows in a comment on it: `# P0 23, 24, c28`.
"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
BEHAVIOURS = [*map(str, [*range(1, 27), *range(31, 41)]), "39a", "39b", "39c", "39d"]
FAULTS = [*map(str, (1, 2, 3, 4, 6, 7, 8, 10, 11, 13, 14, 15, 16, 17, 18, 19, 21, 23, 24, 25, 26, 28, 29, 30, 31,
                     33, 50, 52, 53, 55))]  # fmt: skip
COMMENT = re.compile(r"^\s*# ((?:P0|P1|T|c) ?\d.*)$", re.MULTILINE)
NUMBERS = re.compile(r"\bP0 (\d+[a-d]?(?:, \d+[a-d]?)*)")


def named_rows() -> set[str]:
    """Return the rows that comments of tests name."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        for comment in COMMENT.findall(path.read_text()):
            for numbers in NUMBERS.findall(comment):
                found.update(f"P0 {number}" for number in numbers.split(", "))
            found.update(re.findall(r"\bc\d+\b", comment))
    return found


ALL = [*(f"P0 {row}" for row in BEHAVIOURS), *(f"c{row}" for row in FAULTS)]


@pytest.mark.parametrize("row", ALL)
def test_row_is_named_by_a_test(row: str) -> None:
    assert row in named_rows()
