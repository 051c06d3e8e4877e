"""The arguments of modelcache copy."""

from pathlib import Path
from typing import Annotated

import typer

from webhook.cli.exit_status import REFUSED, fail
from webhook.cli.interruption import end_when_interrupted

app = typer.Typer()


@app.command(
    epilog="Example: modelcache copy /store/llama /memory/llama",
    short_help="Copy models from a store into memory.",
    help="Copy models from a store into memory, each SOURCE to its DEST, and compare them with the "
    "digests in their manifests. A DEST that holds an earlier copy is emptied, once it is known "
    "that the model fits; what else it holds is not removed without --force. The webhook's loaders "
    "run this.",
)
def copy(
    paths: Annotated[list[Path], typer.Argument(metavar="SOURCE DEST ...", show_default=False)],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Empty a DEST that holds something else than a copy.")
    ] = False,
) -> None:
    """Copy models."""
    from webhook.copying.copy import copy_models

    if len(paths) % 2:
        fail("give a DEST for each SOURCE")
    end_when_interrupted(lambda: None)
    try:
        copy_models(list(zip(paths[::2], paths[1::2], strict=True)), force=force)
    except (OSError, ValueError) as error:
        fail(error, REFUSED)
