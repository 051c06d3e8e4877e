"""The options of modelcache inject."""

from enum import StrEnum
from typing import Annotated, Final

import typer

from webhook.cli.cluster_options import ClusterOptions, judge, with_cluster
from webhook.cli.exit_status import fail

app = typer.Typer()
_OUTPUT: Final = "Output"


class Output(StrEnum):
    """What inject prints."""

    YAML = "yaml"
    JSON = "json"
    PATCH = "patch"


@app.command(
    epilog="Example: modelcache inject -f deployment.yaml --cluster cluster.yaml --diff --explain",
    short_help="Print what the cluster would admit.",
    help="Print what the cluster would admit, and create nothing. A workload is shown with the pod "
    "template that its pods would get. Exit status 1: something is refused, and left out; 2: the "
    "input or the options are wrong.",
)
@with_cluster
def inject(
    options: ClusterOptions,
    *,
    output: Annotated[
        Output,
        typer.Option(
            "--output",
            "-o",
            help="patch: the RFC 6902 operations for each object.",
            rich_help_panel=_OUTPUT,
        ),
    ] = Output.YAML,
    diff: Annotated[
        bool,
        typer.Option(
            "--diff",
            help="Print only the lines that change, in colour on a terminal.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Say in words what is added, with the arithmetic.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
) -> None:
    """Admit files."""
    from webhook.offline.inject import run

    if output is not Output.YAML and (diff or explain):
        fail(
            f"--output {output.value}: --diff and --explain print text, so leave them out, "
            "or leave out --output"
        )
    form = output.value
    judge(
        options,
        lambda world: run(options.filename, world, output=form, diff=diff, explain=explain),
    )
