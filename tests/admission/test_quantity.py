"""Amounts as k8s.io/apimachinery reads them."""

import time

import pytest

from webhook.values.quantity import LARGEST, Quantity, exact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("1", 1),
        ("+1", 1),
        ("-1", -1),
        ("1.", 1),
        (".5Ki", 512),
        ("1Ki", 2**10),
        ("1Mi", 2**20),
        ("1.5Gi", 3 * 2**29),
        ("1Ti", 2**40),
        ("1Pi", 2**50),
        ("1Ei", 2**60),
        ("1k", 10**3),
        ("1M", 10**6),
        ("20G", 20 * 10**9),
        ("1T", 10**12),
        ("1P", 10**15),
        ("1E", 10**18),
        ("1e3", 10**3),
        ("1E3", 10**3),
        ("1e+3", 10**3),
        ("12e-1", 2),
        ("1000m", 1),
        ("1m", 1),
        ("1001m", 2),
        ("1u", 1),
        ("1n", 1),
        ("0.1", 1),
        ("25769803776", 24 * 2**30),
        ("9Ei", LARGEST),
        ("1e999999999", LARGEST),
        ("-1e999999999", -LARGEST),
        ("1e-999999999", 1),
        (1, 1),
        (2**70, LARGEST),
        (1.0, 1),
        (1.5e9, 1_500_000_000),
        (1e22, LARGEST),
    ],
)
def test_text_to_bytes(text: str | float, expected: int) -> None:
    assert Quantity.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "lots", "1 Gi", "1gi", "1K", "1KiB", "1,5Gi", "Gi", "1e", "--1", "0x10", "1Gi ", "\N{ARABIC-INDIC DIGIT ONE}Gi",
     "1\n", "nan", "inf", "9" * 401],
)  # fmt: skip
def test_a_wrong_quantity_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity such as 512Mi or 16Gi"):
        Quantity.parse(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (1, "1"),
        (1024, "1Ki"),
        (1025, "1025"),
        (16896 * 2**20, "16896Mi"),
        (16 * 2**30, "16Gi"),
        (2**40, "1024Gi"),
        (36_911_433_728, "36046322Ki"),
    ],
)
def test_bytes_to_text(value: int, expected: str) -> None:
    assert str(Quantity(value)) == expected
    assert Quantity.parse(expected) == value


def test_sums_stop_at_the_largest() -> None:
    assert Quantity(LARGEST - 1).plus(5, 5) == LARGEST


def test_steps_round_up() -> None:
    assert [int(Quantity(n).up_to(4)) for n in (0, 1, 4, 5)] == [0, 4, 4, 8]


def test_a_huge_exponent_costs_nothing() -> None:
    started = time.monotonic()
    for sign in "+-":
        exact(f"1e{sign}{'9' * 300}")
    assert time.monotonic() - started < 0.5
