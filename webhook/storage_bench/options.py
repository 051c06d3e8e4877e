"""The options of bench-storage, and the run that follows from them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from webhook.storage_bench.interruption import Interruption
from webhook.storage_bench.measurement import Measurement
from webhook.storage_bench.result import Result
from webhook.storage_bench.span import total
from webhook.storage_bench.svg import unwritable
from webhook.storage_bench.target import target
from webhook.store.file_system import file_system
from webhook.terminal.progress import shown
from webhook.values.mistakes import Mistakes
from webhook.values.quantity import MI, Quantity
from webhook.values.text import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options as given; None: not given."""

    directory: Path
    limit: str
    rounds: int
    readers: int
    model_size: str | None = None
    plot: Path | None = None
    write: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to measure."""

    directory: Path
    limit: int
    """Bytes of each read, at most."""
    rounds: int
    readers: int
    model: int | None
    """Bytes of the model whose load time is shown; None: the model that is read."""
    write: bool

    @classmethod
    def of(cls, given: Given) -> Self:
        """Return what *given* means; ValueError names every mistake."""
        mistakes = Mistakes()
        limit = mistakes.read("--limit", _at_least(MI), given.limit)
        model = mistakes.read("--model-size", _at_least(1), given.model_size)
        if given.plot and (why := unwritable(given.plot)):
            mistakes.found.append(f"--plot {given.plot}: {why}")
        mistakes.raise_all()
        return cls(
            directory=given.directory,
            limit=limit or MI,
            rounds=given.rounds,
            readers=given.readers,
            model=model,
            write=given.write,
        )


def measured(options: Options) -> Result:
    """Measure, and return the result; ValueError, OSError or Interrupted if it ends early."""
    interruption = Interruption()
    with (
        interruption.listening(),
        target(options.directory, options.limit, interruption, write=options.write) as read,
    ):
        every_read = 6 * options.rounds * total(read.spans)
        with shown("auto")(options.directory, every_read) as report:
            measurement = Measurement(read.spans, options.readers, interruption, report)
            rows = measurement.run(options.rounds)
        return Result(
            directory=options.directory,
            file_system=file_system(options.directory),
            spans=read.spans,
            is_scratch=read.is_scratch,
            rounds=options.rounds,
            readers=options.readers,
            model=options.model or read.model,
            rows=rows,
        )


def _at_least(least: int) -> Callable[[str], int]:
    """Return a reader of a number of bytes from *least* on."""

    def read(text: str) -> int:
        value = Quantity.parse(text)
        if value < least:
            raise ValueError(f"{quoted(text)} is less than {Quantity(least)}")
        return int(value)

    return read
