"""Durations as Kubernetes writes them: 168h, 1h30m, 60s (metav1.Duration, without signs)."""

import re
from typing import Final

_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")


def seconds(text: str) -> float:
    """Return the seconds of a duration; ValueError if it is none."""
    if not re.fullmatch(rf"(?:{_PART.pattern})+", text):
        raise ValueError(f"{text!r} is no duration: must be such as 168h, 1h30m or 60s")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
