"""Read and write amounts of bytes: "16Gi" to an integer and back.

The grammar is that of k8s.io/apimachinery resource.Quantity: a decimal number
and a suffix of n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent. As
there, fractions of a byte are rounded up and the largest value is 2^63-1.
"""

import math
import re
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Final, Self

from webhook.values.text import quoted

LARGEST: Final = 2**63 - 1
_NUMBER: Final = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_ABOVE_0: Final = r"(?:[0-9]*[1-9][0-9]*(?:\.[0-9]*)?|[0-9]*\.[0-9]*[1-9][0-9]*)"
_SUFFIX: Final = r"(?:Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]+)"
_GRAMMAR: Final = re.compile(rf"([+-]?{_NUMBER})({_SUFFIX})?")
NOT_NEGATIVE: Final = rf"^[+]?{_NUMBER}{_SUFFIX}?$"
"""The quantities from 0, as a pattern of a schema (RE2)."""
POSITIVE: Final = rf"^[+]?{_ABOVE_0}{_SUFFIX}?$"
"""The quantities above 0, as a pattern of a schema (RE2)."""
_BINARY: Final = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL: Final = {
    "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}  # fmt: skip
_DIGITS: Final = 400
"""Characters of the longest number that is read: nobody writes a longer one on purpose."""


@lru_cache(maxsize=1024)
def exact(text: str) -> Decimal:
    """Return *text* as a number; ValueError says what a quantity looks like."""
    found = _GRAMMAR.fullmatch(text) if len(text) <= _DIGITS else None
    if found is None:
        raise ValueError(f"{quoted(text, 40)} is not a quantity such as 512Mi or 16Gi")
    number, suffix = found[1], found[2] or ""
    with localcontext(prec=_DIGITS + 50):
        value = Decimal(number)
        if suffix in _BINARY:
            return value * _BINARY[suffix]
        power = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
        # An exponent of nine digits must cost nothing: the result is capped anyway.
        return value.scaleb(max(-_DIGITS, min(power, _DIGITS)))


class Quantity(int):
    """A number of bytes, written as Kubernetes writes it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str | float) -> Self:
        """Return the bytes of *text*, rounded up; ValueError if it isn't a quantity."""
        if type(text) is int:
            return cls(min(text, LARGEST))
        value = exact(str(text))
        return cls(LARGEST if value > LARGEST else math.ceil(max(value, Decimal(-LARGEST))))

    def up_to(self, step: int) -> "Quantity":
        """Return the next multiple of *step* bytes."""
        return Quantity(-(-self // step) * step)

    def plus(self, *others: int) -> "Quantity":
        """Return the sum, at most 2^63-1 bytes."""
        return Quantity(min(int(self) + sum(others), LARGEST))

    def __str__(self) -> str:
        """Return the shortest exact form: in Gi, Mi or Ki if that is exact, else in bytes."""
        for suffix, unit in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
            if self and self % unit == 0:
                return f"{self // unit}{suffix}"
        return str(int(self))


MI: Final = 2**20
GI: Final = 2**30


def rounded(number: int) -> str:
    """Return a number of bytes for people, in the largest unit that it reaches: 15.0Gi."""
    for suffix, unit in (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if number >= unit:
            return f"{number / unit:.1f}{suffix}"
    return str(number)
