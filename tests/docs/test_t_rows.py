"""The rows of the requirements' table of cases, and where each is held.

A row is named by a test (test_t1_…, an id "T1") or by the comment on the first
line of a case's pod.yaml or workload.yaml.
"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROWS = {
    "memory of containers": (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 22, 23, 24, 27, 28, 30, 32, 33,
                             34, 35),
    "pod-level resources": (36, 37, 39, 41),
    "idempotence": (43, 45, 48),
    "shared memory": (49, 50, 52, 53),
    "claims": (54, 56, 57, 59, 60, 61),
    "host paths": (62, 63, 66, 67),
    "images": (68, 69, 70, 71, 73),
    "routing": (74, 75, 77, 78, 79, 80, 82, 83, 84, 85, 87, 88, 89, 90),
}  # fmt: skip
ALL = [row for rows in ROWS.values() for row in rows]


def named_rows() -> dict[int, set[str]]:
    """Return row → the tests and cases that name it."""
    found: dict[int, set[str]] = {}

    def note(text: str, pattern: str, where: str) -> None:
        for number in re.findall(pattern, text):
            found.setdefault(int(number), set()).add(where)

    for path in TESTS.rglob("test_*.py"):
        if path == Path(__file__):
            continue
        text = path.read_text()
        note(text, r'"T(\d+)"', path.name)
        for name in re.findall(r"^def test_(t\d+\w*)", text, re.MULTILINE):
            note(name, r"(?:^|_)t(\d+)(?=_)", path.name)
    for path in (TESTS / "cases").glob("*/*.yaml"):
        note(path.read_text().partition("\n")[0], r"\bT(\d+)\b", f"cases/{path.parent.name}")
    return found


@pytest.mark.parametrize("row", ALL, ids=lambda row: f"T{row}")
def test_row_is_held_by_a_test(row: int) -> None:
    assert row in named_rows()


def test_no_test_names_a_row_that_is_none() -> None:
    assert set(named_rows()) <= set(ALL)
