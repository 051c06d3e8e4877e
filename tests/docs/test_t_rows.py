"""The rows T of docs/requirements.md: each is held by a test or by a folder of tests/cases.

A row is named by a test (test_t1_…, an id "T1") or by the comment on the first line of a case's
pod.yaml or workload.yaml.
"""

import re
from pathlib import Path

import pytest

from tests.docs.requirements import rows

TESTS = Path(__file__).parents[1]
ALL = [int(row.removeprefix("T")) for row in rows() if row.startswith("T")]


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
def test_each_row_has_a_test(row: int) -> None:
    assert row in named_rows()


def test_no_test_names_a_row_that_does_not_exist() -> None:
    assert set(named_rows()) <= set(ALL)
