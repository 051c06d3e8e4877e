"""The options of modelcache check."""

from enum import StrEnum
from typing import Annotated

import typer

from webhook.cli.cluster_options import ClusterOptions, judge, with_cluster

app = typer.Typer()


class Output(StrEnum):
    """What check prints."""

    TEXT = "text"
    JSON = "json"


@app.command(
    epilog="Example: modelcache check -f k8s/ --cluster cluster.yaml --kube-version 1.34",
    short_help="Say what the cluster would admit or refuse.",
    help="Say what the cluster would admit or refuse, and create nothing: one line for each "
    "annotated object, and for each that a rule of a CachePolicy finds. Exit status 0: all are "
    "admitted; 1: something is refused, an enforced rule finds something, or --strict or "
    "--warnings-as-errors finds it wrong; 2: the input or the options are wrong.",
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
    warnings_as_errors: Annotated[
        bool,
        typer.Option(
            "--warnings-as-errors",
            help="Fail too if anything is warned about, such as by a rule in mode warn.",
        ),
    ] = False,
    output: Annotated[
        Output,
        typer.Option(
            "--output",
            "-o",
            help="json: a list of verdicts, each with the findings of rules: rule, code, mode, "
            "policy, subject, place, message.",
        ),
    ] = Output.TEXT,
) -> None:
    """Judge files."""
    from webhook.offline.check import Severity, verdicts

    severity = Severity(waiting=strict, warnings=warnings_as_errors)
    as_json = output is Output.JSON
    judge(options, lambda world: verdicts(options.filename, world, severity, as_json=as_json))
