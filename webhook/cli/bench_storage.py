"""modelcache bench-storage: its options."""

from pathlib import Path
from typing import Annotated

import typer

from webhook.cli.exit_status import REFUSED, fail
from webhook.cli.options import Form, Output, value

app = typer.Typer()


@app.command(
    "bench-storage",
    epilog="Example: modelcache bench-storage /models --model-size 16Gi",
    short_help="Measure how fast a store can be read.",
    help="Measure how fast a store can be read, and say what load time that means: by one reader, "
    "by several, and by page faults as safetensors causes them; cold and warm. It reads the "
    "largest files below DIR, safetensors first, and writes to none of them. A cold read drops "
    "their pages from the memory of this node. It uses 4Mi for each reader, and 64Mi of a mapping.",
)
def bench_storage(
    directory: Annotated[Path, typer.Argument(metavar="DIR", show_default=False, readable=False)],
    *,
    limit: Annotated[
        str, typer.Option(metavar="QUANTITY", help="How much is read, or written by --write.")
    ] = "1Gi",
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="How often; the median counts.")] = 3,
    readers: Annotated[
        int, typer.Option(min=1, max=256, help="How many read at once in the parallel reads.")
    ] = 8,
    model_size: Annotated[
        str | None,
        value("QUANTITY", "Whose load time is told; default: the model that is read, else 16Gi."),
    ] = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Read a scratch file in DIR/.incoming, as where DIR holds no large file; it is "
            "random, and removed at the end.",
        ),
    ] = False,
    plot: Annotated[Path | None, value("FILE.svg", "Draw the result.")] = None,
    output: Form = Output.TABLE,
) -> None:
    """Measure a store."""
    from rich.console import Console

    from webhook.storage_bench.interruption import Interrupted
    from webhook.storage_bench.options import Given, Options, measured
    from webhook.storage_bench.report import as_json, table
    from webhook.storage_bench.svg import save
    from webhook.terminal import printing

    try:
        options = Options.of(
            Given(
                directory=directory, limit=limit, rounds=rounds, readers=readers,
                model_size=model_size, plot=plot, write=write,
            )
        )  # fmt: skip
    except ValueError as error:
        fail(error)
    try:
        result = measured(options)
    except Interrupted as end:
        fail(end, 128 + end.number)
    except (OSError, ValueError) as error:
        fail(error, REFUSED)
    if output is Output.JSON:
        printing.write(as_json(result))
    else:
        table(result, Console())
    printing.flush()
    if plot:
        try:
            save(result, plot)
        except OSError as error:
            fail(f"{plot}: {error.strerror}", REFUSED)
