"""The options of modelcache check."""

from typing import Annotated

import typer

from webhook.cli.cluster_options import ClusterOptions, with_cluster
from webhook.cli.exit_status import REFUSED, fail

app = typer.Typer()


@app.command(
    epilog="Example: modelcache check -f k8s/ --cluster cluster.yaml --kube-version 1.34",
    short_help="Say what the cluster would admit or refuse, offline.",
    help="Say what the cluster would admit or refuse, without asking it: one line for each "
    "annotated object. Exit status 0: all are admitted; 1: something is refused, or waits and "
    "--strict is given; 2: the input or the options are wrong.",
)
@with_cluster
def check(
    options: ClusterOptions,
    *,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Fail too if pods will wait for a claim, a node or a model that is not there yet.",
        ),
    ] = False,
) -> None:
    """Judge files."""
    from webhook.offline.check import verdicts

    try:
        failed = verdicts(options.filename, options.snapshot(), strict=strict)
    except ValueError as error:
        fail(error)
    if failed:
        raise typer.Exit(REFUSED)
