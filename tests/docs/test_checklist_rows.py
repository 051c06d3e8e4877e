"""What no release may break (P0 …), parity and beyond (P1 …, P2 …), faults to survive (c…).

Each row of the requirements' lists has a test that names it in a comment: `# P0 23, 24, c28`.
Where there is none, the reason stands here.
"""

import re
from pathlib import Path
from typing import Final

import pytest

TESTS = Path(__file__).parents[1]
BEHAVIOURS = {
    "P0": [*map(str, range(1, 41)), "39a", "39b", "39c", "39d"],
    "P1": [*map(str, range(41, 92)), "45a", "45b", "73a"],
    "P2": [*map(str, range(92, 105))],
}
FAULTS = [1, 2, 3, 4, 6, 7, 8, 10, 11, 13, 14, 15, 16, 17, 18, 19, 21, 23, 24, 25, 26, 28, 29, 30, 31, 33, 34, 35,
          37, 38, 39, 40, 41, 42, 43, 45, 46, 47, 48, 49, 50, 52, 53, 55]  # fmt: skip
WITHOUT_TEST: Final = {
    "P1 70": "a process reads its policy once, at its start; another policy is another pod",
    "P1 72": "no namespace is looked up: a decision follows from the review and the options",
    "P2 92": "times are measured by benchmarks.run; tests count frames and system calls",
    "P2 96": "no MutatingAdmissionPolicy is shipped: it could not do the arithmetic of memory",
    "P2 102": "callers need no certificate: an answer holds nothing that they did not send (c50)",
}
COMMENT = re.compile(r"^\s*# ((?:P0|P1|P2|T|c) ?\d.*)$", re.MULTILINE)
NUMBERS = re.compile(r"\b(P[012]) (\d+[a-d]?(?:, \d+[a-d]?)*)")


def named_rows() -> set[str]:
    """Return the rows that comments of tests name."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        for comment in COMMENT.findall(path.read_text()):
            for level, numbers in NUMBERS.findall(comment):
                found.update(f"{level} {number}" for number in numbers.split(", "))
            found.update(re.findall(r"\bc\d+\b", comment))
    return found


NAMED = named_rows()
ALL = [f"{level} {row}" for level, rows in BEHAVIOURS.items() for row in rows]
ALL += [f"c{row}" for row in FAULTS]


@pytest.mark.parametrize("row", ALL)
def test_row_is_named_by_a_test_or_has_a_reason_not_to_be(row: str) -> None:
    assert (row in NAMED) is (row not in WITHOUT_TEST)


def test_no_comment_names_a_row_that_does_not_exist() -> None:
    assert set(ALL) >= NAMED
