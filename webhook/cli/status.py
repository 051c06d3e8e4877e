"""The options of modelcache status."""

from pathlib import Path
from typing import Annotated

import typer

from webhook.cli.exit_status import fail
from webhook.cli.options import Context, Form, Kubeconfig, Output, show

app = typer.Typer()


@app.command(
    epilog="Example: modelcache status /store",
    short_help="List models, and the progress of downloads.",
    help="List the models of a STORE: which are complete, incomplete or being loaded, how fast, "
    "and how much space is free. Without STORE, query the cluster: which models pods read, which "
    "Jobs and DaemonSets load models, their progress or why they failed, and which nodes hold "
    "which models. Exit status 0: the store or cluster was read; 2: it could not be read.",
)
def status(
    store: Annotated[Path | None, typer.Argument(metavar="[STORE]", show_default=False)] = None,
    *,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: Form = Output.TABLE,
) -> None:
    """Look at a store, or at a cluster."""
    if store is None:
        _cluster(kubeconfig, context, output)
    elif kubeconfig or context:
        fail("--kubeconfig, --context: have no effect with a STORE")
    else:
        _store(store, output)


def _store(store: Path, output: Output) -> None:
    from webhook.status.store import store_status
    from webhook.status.store_report import as_json, table

    if not store.is_dir():
        fail(f"{store}: is not a directory: is the claim or the cache mounted?")
    try:
        found = store_status(store)
    except OSError as error:
        fail(error)
    show(found, output, as_json, table)


def _cluster(kubeconfig: Path | None, context: str | None, output: Output) -> None:
    from webhook.api_server.client import Api
    from webhook.api_server.errors import Unreachable
    from webhook.status.cluster import cluster_status
    from webhook.status.cluster_report import as_json, table

    try:
        api = Api(kubeconfig, context)
        found = cluster_status(api)
    except ValueError as error:
        fail(f"{kubeconfig or 'kubeconfig'}: {error}")
    except Unreachable as error:
        fail(f"the API server at {api.address} could not be queried: {error}")
    show(found, output, as_json, table)
    if found.nothing:
        fail("there is no permission to read anything in the cluster")
