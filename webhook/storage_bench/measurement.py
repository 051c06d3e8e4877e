"""Measure all kinds of reads, in rounds.

A read is cold if its pages were seen to be absent from memory, and warm if they were seen to be
there. If that can't be achieved, the row has no rate, and says why.
"""

from collections.abc import Callable, Sequence
from typing import Final

from webhook.storage_bench.interruption import Interruption
from webhook.storage_bench.mapped import touch
from webhook.storage_bench.page_cache import drop, resident
from webhook.storage_bench.readers import Readers, takes_direct
from webhook.storage_bench.row import Cache, Kind, Method, Row
from webhook.storage_bench.span import Pass, Span, total

COLD: Final = 0.01
"""The largest share of pages in memory at which a read is cold."""
WARM: Final = 0.99
"""The smallest share at which it is warm."""
_ATTEMPTS: Final = 3
"""How often to drop pages that stay: some are not on the kernel's lists yet."""


class Measurement:
    """Reads spans in rounds, and keeps the rates."""

    def __init__(
        self,
        spans: Sequence[Span],
        readers: int,
        interruption: Interruption,
        report: Callable[[int], None],
    ) -> None:
        self._spans, self._readers = spans, readers
        self._interruption, self._report = interruption, report
        self._files = [span.file for span in spans]
        self._size = total(spans)
        direct = takes_direct(self._files[0])
        self.rows = [
            Row(Kind.SEQUENTIAL, Cache.COLD, Method.DIRECT if direct else Method.READ),
            Row(Kind.SEQUENTIAL, Cache.WARM, Method.READ),
            Row(Kind.PARALLEL, Cache.COLD, Method.READ),
            Row(Kind.PARALLEL, Cache.WARM, Method.READ),
            Row(Kind.MMAP, Cache.COLD, Method.MMAP),
            Row(Kind.MMAP, Cache.WARM, Method.MMAP),
        ]
        if not direct:
            self.rows[0].note(
                "the file system does not support O_DIRECT: read through the page cache"
            )
        self._given_up: set[str] = set()

    def run(self, rounds: int) -> list[Row]:
        """Return the rows after *rounds* rounds of each."""
        done = 0
        for _ in range(rounds):
            for row in self.rows:
                self._interruption.check()
                if row.name not in self._given_up:
                    self._measure(row, done)
                done += self._size
                self._report(done)
        return self.rows

    def _measure(self, row: Row, done: int) -> None:
        prepare = self._cool if row.cache is Cache.COLD else self._warm
        share = prepare()
        if why := _unfit(row.cache, share):
            self._given_up.add(row.name)
            row.rates.clear()
            row.note(why)
            return
        taken = self._read(row, lambda count: self._report(done + count))
        row.rates.append(self._size / taken.seconds)
        if share is None:
            row.note(_unseen(row.cache, taken.storage, self._size))

    def _cool(self) -> float | None:
        for _ in range(_ATTEMPTS):
            drop(self._files)
            share = resident(self._spans)
            if share is None or share <= COLD:
                break
        return share

    def _warm(self) -> float | None:
        share = resident(self._spans)
        if share is None or share < WARM:
            Readers(self._spans, 1, self._interruption, lambda _: None).read()
            share = resident(self._spans)
        return share

    def _read(self, row: Row, report: Callable[[int], None]) -> Pass:
        if row.method is Method.MMAP:
            return touch(self._spans, self._interruption, report)
        return Readers(
            self._spans,
            self._readers if row.kind is Kind.PARALLEL else 1,
            self._interruption,
            report,
            direct=row.method is Method.DIRECT,
        ).read()


def _unfit(cache: Cache, share: float | None) -> str:
    """Return why a read can't be measured with *share* of its pages in memory; "" if it can."""
    if share is None:
        return ""
    if cache is Cache.COLD and share > COLD:
        return (
            f"not measured: {share:.0%} of the pages stay in memory, as on a tmpfs, or if a "
            "process has mapped the files"
        )
    if cache is Cache.WARM and share < WARM:
        return (
            f"not measured: only {share:.0%} of the pages stay in memory: "
            "give a --limit that fits, if the file system keeps pages at all"
        )
    return ""


def _unseen(cache: Cache, storage: int | None, size: int) -> str:
    """Return what is known about pages that can't be inspected."""
    why = "only the owner of a file can see which of its pages are in memory"
    if storage is None:
        return f"perhaps not {cache}: {why}"
    return f"{why}; storage delivered {min(storage / size, 1):.0%} of the bytes"
