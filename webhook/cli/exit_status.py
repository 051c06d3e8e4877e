"""End a command with a message and an exit status."""

from typing import Final, NoReturn

import typer

from webhook.terminal.hiding import without_hidden

REFUSED: Final = 1
USAGE: Final = 2


def fail(message: str | Exception, status: int = USAGE) -> NoReturn:
    """Print each line of *message* on standard error, and exit with *status*."""
    if isinstance(message, OSError) and message.filename:
        message = f"{message.filename}: {message.strerror}{_numbers(message)}"
    for line in without_hidden(str(message)).splitlines():
        typer.echo(f"modelcache: {line}", err=True)
    raise typer.Exit(status)


def _numbers(error: OSError) -> str:
    """Return what is left, if *error* says that a file system is full."""
    from webhook.store.space import is_full, left

    return f": {left(error.filename)}: make room, or use a larger one" if is_full(error) else ""
