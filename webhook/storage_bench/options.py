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
class Order:
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
    def of(
        cls,
        directory: Path,
        limit: str,
        rounds: int,
        readers: int,
        model_size: str | None,
        plot: Path | None,
        *,
        write: bool,
    ) -> Self:
        """Return what options ask for; ValueError names every one that is wrong."""
        faults = [
            *_quantity_faults("--limit", limit, _LEAST),
            *_quantity_faults("--model-size", model_size, Quantity(1)),
        ]
        if plot and (why := unwritable(plot)):
            faults.append(f"--plot {plot}: {why}")
        if faults:
            raise ValueError("\n".join(faults))
        model = int(Quantity.parse(model_size)) if model_size is not None else None
        return cls(
            directory=directory, limit=int(Quantity.parse(limit)), rounds=rounds, readers=readers,
            model=model, write=write,
        )  # fmt: skip


def measured(order: Order) -> Result:
    """Return what *order* asks for; ValueError, OSError or Interrupted if it ends early."""
    interruption = Interruption()
    with (
        interruption.listening(),
        target(order.directory, order.limit, interruption, write=order.write) as read,
    ):
        every_read = 6 * order.rounds * total(read.spans)
        with shown("auto")(order.directory, every_read) as report:
            measurement = Measurement(read.spans, order.readers, interruption, report)
            rows = measurement.run(order.rounds)
        return Result(
            directory=order.directory,
            file_system=file_system(order.directory),
            spans=read.spans,
            is_scratch=read.is_scratch,
            rounds=order.rounds,
            readers=order.readers,
            model=order.model or read.model,
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
