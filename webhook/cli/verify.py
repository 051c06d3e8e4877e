"""The arguments of modelcache verify."""

from pathlib import Path
from typing import Annotated

import typer

from webhook.cli.exit_status import REFUSED, fail

app = typer.Typer()


@app.command(
    epilog="Example: modelcache verify /models/llama-3.1-8b",
    short_help="Check that models are complete.",
    help="Check that models are complete: the files and sizes in the manifest, the weights, the "
    "headers of safetensors and GGUF files, and that no shard is missing. With --full, read "
    "everything and compare it with the digests in the manifest.",
)
def verify(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR ...", show_default=False)],
    full: Annotated[
        bool, typer.Option("--full", help="Compare digests, which reads everything.")
    ] = False,
) -> None:
    """Check models."""
    from webhook.store.verify import verify_models

    try:
        verify_models(directories, full=full)
    except (OSError, ValueError) as error:
        fail(error, REFUSED)
    for directory in directories:
        typer.echo(f"{directory}: complete")
