"""Texts for people: problems, quotes, codes."""

import re

import pytest

from webhook.admission.codes import CODES
from webhook.admission.decision import Deny
from webhook.admission.problem import Problem
from webhook.values.text import printable, quoted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("ünïcödé 模型", "ünïcödé 模型"),
        ("a\nb\tc\rd", "a\\u000ab\\u0009c\\u000dd"),
        ("\x00\x1b[31m\x7f", "\\u0000\\u001b[31m\\u007f"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}x", "\\u202ex"),
        ("\N{ZERO WIDTH SPACE}x", "\\u200bx"),
        ("\N{LINE SEPARATOR}x", "\\u2028x"),
        ("\ud800", "\\ud800"),
    ],
)
def test_printable(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_text_is_cut_with_a_mark() -> None:
    assert printable("abcdef", 4) == "abc…"
    assert quoted("x" * 100) == '"' + "x" * 59 + '…"'


def test_a_refusal_has_every_problem_on_one_line() -> None:
    problems = (Problem("MC001", "a", "is\nwrong"), Problem("MC002", "b", "too"))
    assert Deny(problems=problems).message == "MC001 a: is\\u000awrong; MC002 b: too"


def test_a_refusal_is_cut_before_the_api_server_would() -> None:
    assert len(Deny(problems=(Problem("MC001", "a", "x" * 10**6),)).message) == 4000


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_meaning_and_a_remedy(code: str) -> None:
    assert re.fullmatch(r"MC[01]\d\d", code)
    meaning, remedy = CODES[code]
    assert meaning
    assert remedy
    assert not (meaning + remedy).endswith(".")
