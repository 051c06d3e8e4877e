"""The options of modelcache prune."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from webhook.cli.exit_status import REFUSED, fail
from webhook.cli.options import CLUSTER, Context, Form, Kubeconfig, Output, show, value

if TYPE_CHECKING:
    from webhook.pruning.cluster import Cluster
    from webhook.pruning.options import Options

app = typer.Typer()
_MODELS: Final = "Which models are removed"
_PODS: Final = "Where pods find this store"


@app.command(
    epilog="Example: modelcache prune /store --unused-for 14d --claim ai-inference/model-store "
    "--dry-run",
    short_help="Remove models that nobody needs from a store.",
    help="Remove published models from a STORE, and what ended loaders left there. It does not ask "
    "for confirmation. A model is removed if every option that is given selects it and nothing "
    "needs it: no pod may be reading it, no name such as main points to it, no loader requested it "
    "in the last ten minutes. Without an option that selects models, only the remains of loaders "
    "are removed. Exit status 0: done; 1: something could not be removed, or --keep-bytes was not "
    "reached; 2: the options are wrong, or it is unknown what is in use, and nothing was changed.",
)
def prune(
    store: Annotated[Path, typer.Argument(metavar="STORE", show_default=False)],
    *,
    older_than: Annotated[
        str | None,
        value("AGE", "Models that were published longer ago, such as 30d.", panel=_MODELS),
    ] = None,
    unused_for: Annotated[
        str | None,
        value(
            "AGE", "Models that no loader has requested for this long, such as 14d.", panel=_MODELS
        ),
    ] = None,
    keep_bytes: Annotated[
        str | None,
        value(
            "QUANTITY",
            "Remove the least recently used until at most this much is left.",
            panel=_MODELS,
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        value("ORG/NAME[@REV]", "Only this model; repeatable.", panel=_MODELS),
    ] = None,
    include_current: Annotated[
        bool,
        typer.Option(
            "--include-current",
            help="Also models that a name such as main points to.",
            rich_help_panel=_MODELS,
        ),
    ] = False,
    claim: Annotated[
        list[str] | None,
        value(
            "NAMESPACE/NAME",
            "The claim that holds the store; repeatable, if several lead to it.",
            panel=_PODS,
        ),
    ] = None,
    host_path: Annotated[
        str | None,
        value("DIR", "The directory of the node, or of each node, that is the store.", panel=_PODS),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            envvar="NODE_NAME",
            help="The node that holds the store: its label is removed before a model is.",
            show_default=False,
            rich_help_panel=_PODS,
        ),
    ] = None,
    no_cluster: Annotated[
        bool,
        typer.Option(
            "--no-cluster",
            help="Do not query a cluster: no pod reads this store.",
            rich_help_panel=CLUSTER,
        ),
    ] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed, and change nothing.")
    ] = False,
    output: Form = Output.TABLE,
) -> None:
    """Remove models."""
    from webhook.api_server.errors import RequestFailed
    from webhook.pruning.options import Given, Options
    from webhook.pruning.outcome import as_json, table
    from webhook.pruning.prune import prune as run

    try:
        options = Options.of(
            Given(
                store=store, older_than=older_than, unused_for=unused_for, keep_bytes=keep_bytes,
                model=model or (), include_current=include_current, claim=claim or (),
                host_path=host_path, node=node,
            )
        )  # fmt: skip
        cluster = _cluster(options, kubeconfig, context, no_cluster=no_cluster)
        outcome = run(options, cluster, dry_run=dry_run)
    except (OSError, ValueError) as error:
        fail(error)
    except RequestFailed as error:
        fail(
            f"could not find out which pods read models, so nothing was changed: {error}\n"
            "give --kubeconfig, or a ServiceAccount with the permissions that the manual lists; "
            "give --no-cluster if no pod reads this store"
        )
    show(outcome, output, as_json, table)
    if outcome.failed:
        raise typer.Exit(REFUSED)


def _cluster(
    options: "Options", kubeconfig: Path | None, context: str | None, *, no_cluster: bool
) -> "Cluster":
    """Return the cluster that knows the pods; ValueError if the kubeconfig does not work."""
    from webhook.pruning.cluster import Asked, NotAsked

    if no_cluster:
        return NotAsked()
    from webhook.api_server.client import Api

    try:
        return Asked(Api(kubeconfig, context), options.where.node)
    except ValueError as error:
        raise ValueError(
            f"{kubeconfig or 'kubeconfig'}: {error}\ngive --no-cluster if no pod reads this store"
        ) from error
