"""Merge lines three ways, as diff3 does."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final

_LONG: Final = 1000
"""Above this number of lines, lines that occur often are not compared with each other."""


def merged_lines(original: list[str], base: list[str], changed: list[str]) -> Iterator[str]:
    """Yield the lines of *original* with the changes that turn *base* into *changed*."""
    ours, theirs = _same(base, original), _same(base, changed)
    b = o = c = 0
    for common in [*sorted(ours.keys() & theirs.keys()), len(base)]:
        to_ours = ours.get(common, len(original))
        to_theirs = theirs.get(common, len(changed))
        untouched = base[b:common] == changed[c:to_theirs]
        yield from original[o:to_ours] if untouched else changed[c:to_theirs]
        if common < len(base):
            yield original[to_ours]
        b, o, c = common + 1, to_ours + 1, to_theirs + 1


def _same(base: list[str], other: list[str]) -> dict[int, int]:
    """Return a mapping of line numbers, from *base* to the same lines in *other*."""
    # In a long List all pods have the same lines: comparing each with each would take minutes.
    alike = len(base) > _LONG
    blocks = SequenceMatcher(None, base, other, autojunk=alike).get_matching_blocks()
    return {a + i: b + i for a, b, size in blocks for i in range(size)}
