"""The options of modelcache bench-storage."""

from pathlib import Path
from typing import Annotated, Final

import typer

from webhook.cli.exit_status import REFUSED, fail
from webhook.cli.options import Form, Output, show, value

app = typer.Typer()
_READS: Final = "What is read"
_RESULT: Final = "What is shown"


@app.command(
    "bench-storage",
    epilog="Example: modelcache bench-storage /models --model-size 16Gi",
    short_help="Measure how fast a store can be read.",
    help="Measure how fast a store can be read, and the load times that follow: with one reader, "
    "with several, and by page faults as safetensors causes them; cold and warm. It reads the "
    "largest files below DIR, safetensors files first, and writes to none of them. For a cold read "
    "it drops their pages from the memory of this node. It uses 4Mi for each reader, and maps 64Mi "
    "at a time.",
)
def bench_storage(
    directory: Annotated[Path, typer.Argument(metavar="DIR", show_default=False, readable=False)],
    *,
    limit: Annotated[
        str,
        typer.Option(
            metavar="QUANTITY",
            help="How much to read, or to write with --write.",
            rich_help_panel=_READS,
        ),
    ] = "1Gi",
    rounds: Annotated[
        int,
        typer.Option(
            min=1,
            max=1000,
            help="How often to read; the result is the median.",
            rich_help_panel=_READS,
        ),
    ] = 3,
    readers: Annotated[
        int,
        typer.Option(
            min=1, max=256, help="Number of readers in the parallel reads.", rich_help_panel=_READS
        ),
    ] = 8,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Read a scratch file of random bytes in DIR/.incoming, which is removed at the "
            "end. Without it, that is done only if DIR holds no large file.",
            rich_help_panel=_READS,
        ),
    ] = False,
    model_size: Annotated[
        str | None,
        value(
            "QUANTITY",
            "The size for which load times are shown; default: the model that is read, else 16Gi.",
            panel=_RESULT,
        ),
    ] = None,
    plot: Annotated[Path | None, value("FILE.svg", "Also draw the result.", panel=_RESULT)] = None,
    output: Form = Output.TABLE,
) -> None:
    """Measure a store."""
    from webhook.storage_bench.interruption import Interrupted
    from webhook.storage_bench.options import Given, Options, measured
    from webhook.storage_bench.report import as_json, table
    from webhook.storage_bench.svg import save

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
    show(result, output, as_json, table)
    if plot:
        try:
            save(result, plot)
        except OSError as error:
            fail(f"{plot}: {error.strerror}", REFUSED)
