"""Derive one line of advice from the rates."""

from collections.abc import Sequence
from typing import Final

from webhook.storage_bench.row import Cache, Kind, Row

SLOW_PAGE_FAULTS: Final = 0.7
"""Avoid page faults that are slower than this share of one reader, both cold."""
FAST_READERS: Final = 1.5
"""Use several readers that are faster than this multiple of one reader, all cold."""

_STRATEGY: Final = "--safetensors-load-strategy"


def hint(rows: Sequence[Row], readers: int) -> str:
    """Return which setting of a server helps with this store; "" if none is known."""
    cold = {row.kind: row.median for row in rows if row.cache is Cache.COLD}
    one, many, faults = (cold.get(kind) for kind in (Kind.SEQUENTIAL, Kind.PARALLEL, Kind.MMAP))
    slow = bool(one and faults and faults < SLOW_PAGE_FAULTS * one)
    # No gain if page faults, which read ahead, are as fast as several readers.
    fast = bool(one and many and many > max(FAST_READERS * one, faults or 0))
    seen = []
    if one and faults and slow:
        seen.append(f"page faults read {faults / one:.2f} times as fast as one reader")
    if one and many and fast:
        seen.append(f"{readers} readers are {many / one:.1f} times as fast as one")
    if not seen:
        return ""
    remedy = (
        f"{_STRATEGY} prefetch lets vLLM read with several threads before it maps"
        if fast
        else f"{_STRATEGY} eager lets vLLM read whole files instead of mapping them"
    )
    return f"{' and '.join(seen)}: {remedy}"
