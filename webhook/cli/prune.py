"""modelcache prune: its options."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from webhook.cli.exit_status import REFUSED, fail
from webhook.cli.options import Context, Form, Kubeconfig, Output, value

if TYPE_CHECKING:
    from webhook.pruning.cluster import Cluster
    from webhook.pruning.options import Options

app = typer.Typer()


@app.command(
    epilog="Example: modelcache prune /store --unused-for 14d --claim ai-inference/model-store "
    "--dry-run",
    short_help="Remove models from a store that nobody needs.",
    help="Remove published models from a STORE, and what loaders that have ended left there. A "
    "model goes if every option that is given names it, and nothing needs it: no pod may read it, "
    "no name such as main means it, no loader asked for it in the last ten minutes. Exit status 0: "
    "done; 1: something could not be removed, or --keep-bytes not be reached; 2: the options are "
    "wrong, or it can't be known what is in use, and nothing was changed.",
)
def prune(
    store: Annotated[Path, typer.Argument(metavar="STORE", show_default=False)],
    *,
    older_than: Annotated[
        str | None,
        value("AGE", "Those published longer ago, such as 30d."),
    ] = None,
    unused_for: Annotated[
        str | None,
        value("AGE", "Those that no loader has asked for since, such as 14d."),
    ] = None,
    keep_bytes: Annotated[
        str | None,
        value("QUANTITY", "The least recently used of those, until no more than this stays."),
    ] = None,
    model: Annotated[
        list[str] | None,
        value("ORG/NAME[@REV]", "This one alone; repeatable."),
    ] = None,
    include_current: Annotated[
        bool, typer.Option("--include-current", help="Also what a name such as main means.")
    ] = False,
    claim: Annotated[
        list[str] | None,
        value(
            "NAMESPACE/NAME", "The claim that the store is; repeatable, where several lead there."
        ),
    ] = None,
    host_path: Annotated[
        str | None,
        value("DIR", "The store is this directory of the node, or of each."),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            envvar="NODE_NAME",
            help="The node that the store lies on: its labels are taken away first.",
            show_default=False,
        ),
    ] = None,
    no_cluster: Annotated[
        bool, typer.Option("--no-cluster", help="Ask nobody: no pod reads this store.")
    ] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")
    ] = False,
    output: Form = Output.TABLE,
) -> None:
    """Remove models."""
    from rich.console import Console

    from webhook.api_server.errors import RequestFailed
    from webhook.pruning.options import Given, Options
    from webhook.pruning.outcome import as_json, table
    from webhook.pruning.prune import prune as run
    from webhook.terminal import printing

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
            f"who reads models could not be asked, so nothing was changed: {error}\n"
            "give --kubeconfig, or a ServiceAccount with the rights that the manual lists; "
            "--no-cluster says that no pod reads this store"
        )
    if output is Output.JSON:
        printing.write(as_json(outcome))
    else:
        table(outcome, Console())
    printing.flush()
    if outcome.failed:
        raise typer.Exit(REFUSED)


def _cluster(
    options: "Options", kubeconfig: Path | None, context: str | None, *, no_cluster: bool
) -> "Cluster":
    """Return who is asked for pods; ValueError if nothing says how."""
    from webhook.pruning.cluster import Asked, NotAsked

    if no_cluster:
        return NotAsked()
    from webhook.api_server.client import Api

    try:
        return Asked(Api(kubeconfig, context), options.where.node)
    except ValueError as error:
        raise ValueError(
            f"{kubeconfig or 'kubeconfig'}: {error}\n--no-cluster says that no pod reads this store"
        ) from error
