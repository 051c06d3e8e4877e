"""All rounds of all kinds of reads.

A cold read is one whose pages were seen to be gone, and a warm one one whose pages were
seen to be there. What can't be brought about has no rate, and its row says why.
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
"""How often pages are dropped that stay: some wait to be put on the kernel's lists."""


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
            self.rows[0].note("the file system takes no O_DIRECT: read through the page cache")
        self._given_up: set[str] = set()

    def run(self, rounds: int) -> list[Row]:
        """Return the rows after *rounds* rounds of all of them."""
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
    """Return why pages of which *share* lies in memory can't be measured so, "" if they can."""
    if share is None:
        return ""
    if cache is Cache.COLD and share > COLD:
        return (
            f"not measured: {share:.0%} of the pages stay in memory, as on a tmpfs, or of files "
            "that a process has mapped"
        )
    if cache is Cache.WARM and share < WARM:
        return (
            f"not measured: only {share:.0%} of the pages stay in memory: "
            "give a --limit that fits, if the file system keeps pages at all"
        )
    return ""


def _unseen(cache: Cache, storage: int | None, size: int) -> str:
    """Return what is known of pages that can't be looked at."""
    told = "whether pages lie in memory is told to the owner of a file alone"
    if storage is None:
        return f"perhaps not {cache}: {told}"
    return f"{told}; storage gave {min(storage / size, 1):.0%} of the bytes"
