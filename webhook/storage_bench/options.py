"""What is asked for, and its fulfilment."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from webhook.storage_bench.interruption import Interruption
from webhook.storage_bench.measurement import Measurement
from webhook.storage_bench.result import Result
from webhook.storage_bench.span import total
from webhook.storage_bench.svg import unwritable
from webhook.storage_bench.target import target
from webhook.store.file_system import file_system
from webhook.terminal.progress import shown
from webhook.values.quantity import MI, Quantity

_LEAST: Final = Quantity(MI)


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
    """What is to be measured."""

    directory: Path
    limit: int
    """Bytes that each read reads at most."""
    rounds: int
    readers: int
    model: int | None
    """Bytes of the model whose load time is told; None: that of the model that is read."""
    write: bool

    @classmethod
    def of(cls, given: Given) -> Self:
        """Return what options ask for; ValueError names every one that is wrong."""
        size = given.model_size
        faults = [
            *_quantity_faults("--limit", given.limit, _LEAST),
            *_quantity_faults("--model-size", size, Quantity(1)),
        ]
        if given.plot and (why := unwritable(given.plot)):
            faults.append(f"--plot {given.plot}: {why}")
        if faults:
            raise ValueError("\n".join(faults))
        return cls(
            directory=given.directory,
            limit=int(Quantity.parse(given.limit)),
            rounds=given.rounds,
            readers=given.readers,
            model=int(Quantity.parse(size)) if size is not None else None,
            write=given.write,
        )


def measured(options: Options) -> Result:
    """Return what *options* asks for; ValueError, OSError or Interrupted if it ends early."""
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


def _quantity_faults(option: str, text: str | None, least: Quantity) -> Iterator[str]:
    if text is None:
        return
    try:
        if Quantity.parse(text) < least:
            yield f"{option} {text}: is less than {least}"
    except ValueError as error:
        yield f"{option}: {error}"
