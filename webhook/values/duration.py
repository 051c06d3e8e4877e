"""Durations as Kubernetes writes them: 168h, 1h30m, 60s (metav1.Duration, without signs)."""

import re
from typing import Final

from webhook.values.text import quoted

_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_DAYS: Final = re.compile(r"(\d{1,6})d")


def seconds(text: str) -> float:
    """Return the seconds of a duration; ValueError if *text* is not a duration."""
    if not re.fullmatch(rf"(?:{_PART.pattern})+", text):
        raise ValueError(
            f"{quoted(text)} is not a duration: write, for example, 168h, 1h30m or 60s"
        )
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def age(text: str) -> float:
    """Return the seconds of an age, a duration or days such as 30d; ValueError if it is neither."""
    if found := _DAYS.fullmatch(text):
        return float(found[1]) * 86400
    try:
        return seconds(text)
    except ValueError as error:
        raise ValueError(
            f"{quoted(text)} is not an age: write, for example, 30d, 36h or 90m"
        ) from error


def elapsed(seconds: float) -> str:
    """Return an age as kubectl shows it, in one unit: 45d, 3h, 12m or 5s."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f}{unit}"
    return f"{max(0, seconds):.0f}s"
