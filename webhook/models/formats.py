"""Tell the formats of weights by the names of files."""

from collections.abc import Sequence
from typing import Final

PICKLE: Final = ("*.bin", "*.pth", "*.pt", "*.ckpt", "*.pkl", "*.pickle", "*.joblib")
"""Names of files that are pickles, which run code when they are read."""
_ANY: Final = "?"
"""Stands for one character that is not known."""


def may_be_pickle(allow: Sequence[str], ignore: Sequence[str]) -> str | None:
    """Return the pattern of *allow* that a pickle can match, if *ignore* does not exclude it."""
    kinds = [kind.removeprefix("*") for kind in PICKLE if kind not in ignore]
    return next((glob for glob in allow if any(_may_end(glob, kind) for kind in kinds)), None)


def _may_end(glob: str, end: str) -> bool:
    """Whether a name that matches *glob* can end in *end*."""
    tail: list[str] = []
    rest = list(glob)
    while rest:
        character = rest.pop()
        if character == "*":
            break
        if character == "]" and "[" in rest:
            while rest.pop() != "[":
                pass
            character = _ANY
        tail.append(character)
    else:
        if len(tail) < len(end):
            return False
    pairs = zip(tail, reversed(end), strict=False)
    return all(one in (_ANY, other) for one, other in pairs)
