"""modelcache inject: its options."""

from enum import StrEnum
from typing import Annotated

import typer

from webhook.cli.cluster_options import ClusterOptions, with_cluster
from webhook.cli.exit_status import REFUSED, fail

app = typer.Typer()


class Output(StrEnum):
    """What inject prints."""

    YAML = "yaml"
    JSON = "json"
    PATCH = "patch"


@app.command(
    epilog="Example: modelcache inject -f deployment.yaml --cluster cluster.yaml --diff --explain",
    short_help="Print what the cluster would admit, offline.",
    help="Print what the cluster would admit, offline: a workload is shown as its pods will be. "
    "Exit status 1: something is refused, and left out; 2: the input or the options are wrong.",
)
@with_cluster
def inject(
    options: ClusterOptions,
    *,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="patch: the RFC 6902 operations of each.")
    ] = Output.YAML,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print the lines that change instead, in colour.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say in words what is added, and the arithmetic.")
    ] = False,
) -> None:
    """Admit files."""
    from webhook.offline.inject import run

    try:
        refused = run(
            options.filename, options.snapshot(), output=output.value, diff=diff, explain=explain
        )
    except ValueError as error:
        fail(error)
    if refused:
        raise typer.Exit(REFUSED)
