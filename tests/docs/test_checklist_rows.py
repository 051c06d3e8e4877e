"""The rows P0, P1, P2 and c of docs/requirements.md: each has a test, or a reason.

A test names its rows in a comment: `# P0 23, 24, c28`.
"""

import re
from pathlib import Path

import pytest

from tests.docs.requirements import rows

TESTS = Path(__file__).parents[1]
ALL = {row: why for row, why in rows().items() if not row.startswith("T")}
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


@pytest.mark.parametrize("row", ALL)
def test_row_is_named_by_a_test_or_has_a_reason_not_to_be(row: str) -> None:
    assert (row in NAMED) is not bool(ALL[row])


def test_no_comment_names_a_row_that_does_not_exist() -> None:
    assert set(ALL) >= NAMED
