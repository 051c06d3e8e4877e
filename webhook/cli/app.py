"""Assemble the program modelcache from its commands."""

import contextlib
import os
import sys
from typing import Annotated

import typer

from webhook import __version__
from webhook.cli import (
    bench_storage,
    check,
    copy,
    doctor,
    inject,
    load,
    prune,
    render,
    serve,
    status,
    verify,
)
from webhook.cli.exit_status import REFUSED, USAGE

app = typer.Typer(
    name="modelcache",
    help="Give pods one shared, read-only copy of their model.",
    epilog="Example: modelcache inject -f deployment.yaml --diff",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:  # typer's callback
    if value:
        typer.echo(f"modelcache {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Give pods one shared, read-only copy of their model."""


for command in (
    serve, inject, check, load, render, copy, verify, status, prune, doctor, bench_storage,
):  # fmt: skip
    app.add_typer(command.app)


def main() -> None:
    """Run a command; a closed pipe is not an error, but output that can't be written is."""
    if sys.stdout is None or sys.stderr is None:
        raise SystemExit(USAGE)
    try:
        app(prog_name="modelcache")
    except OSError as error:
        with contextlib.suppress(OSError):
            # The rest of the buffer is discarded: writing it would fail again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(REFUSED) from None
        sys.stderr.write(f"modelcache: standard output: {error.strerror}\n")
        raise SystemExit(USAGE) from None
