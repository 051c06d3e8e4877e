"""How a command ends: its exit status, and what is said of it."""

from typing import Final, NoReturn

import typer

REFUSED: Final = 1
USAGE: Final = 2
TERMINATED: Final = 128 + 15
"""By SIGTERM, as a shell tells it."""


def fail(message: str | Exception, status: int = USAGE) -> NoReturn:
    """Print *message* and end with *status*."""
    if isinstance(message, OSError) and message.filename:
        message = f"{message.filename}: {message.strerror}"
    for line in str(message).splitlines():
        typer.echo(f"modelcache: {line}", err=True)
    raise typer.Exit(status)
