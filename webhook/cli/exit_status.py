"""End a command with a message and an exit status."""

from typing import Final, NoReturn

import typer

REFUSED: Final = 1
USAGE: Final = 2
TERMINATED: Final = 128 + 15
"""Ended by SIGTERM, in a shell's numbers."""


def fail(message: str | Exception, status: int = USAGE) -> NoReturn:
    """Print each line of *message* on standard error, and exit with *status*."""
    if isinstance(message, OSError) and message.filename:
        message = f"{message.filename}: {message.strerror}"
    for line in str(message).splitlines():
        typer.echo(f"modelcache: {line}", err=True)
    raise typer.Exit(status)
