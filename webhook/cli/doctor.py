"""modelcache doctor: its options."""

from typing import Annotated

import typer

from webhook.cli.exit_status import REFUSED, fail
from webhook.cli.options import Context, Form, Kubeconfig, Output

app = typer.Typer()


@app.command(
    epilog="Example: modelcache doctor --context production",
    short_help="Ask a cluster what is wrong with the installation.",
    help="Ask a live cluster what is wrong with the installation, and say what mends it. It reads "
    "no Secret and changes nothing: what it creates is a dry run. Exit status 0: nothing but "
    "warnings; 1: an error; 2: the cluster could not be asked, or may not be.",
)
def doctor(
    *,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", metavar="NAME", help="Where the webhook runs.")
    ] = "modelcache-system",
    configuration: Annotated[
        str, typer.Option(metavar="NAME", help="The MutatingWebhookConfiguration.")
    ] = "zz-modelcache",
    probe_namespace: Annotated[
        str, typer.Option(metavar="NAME", help="Where pods are created, as dry runs.")
    ] = "default",
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: Form = Output.TABLE,
) -> None:
    """Look for what is wrong."""
    from rich.console import Console

    from webhook.api_server.client import Api
    from webhook.api_server.errors import Unreachable
    from webhook.doctor.diagnosis import diagnosis, looked
    from webhook.doctor.finding import Level
    from webhook.doctor.installation import Installation, Names
    from webhook.doctor.report import as_json, table, worst
    from webhook.terminal.printing import flush, write

    names = Names(namespace=namespace, configuration=configuration, probe_namespace=probe_namespace)
    try:
        api = Api(kubeconfig, context)
        with Console(stderr=True).status("asking the API server") as status:
            found = list(
                diagnosis(
                    Installation(api, names), lambda check: status.update(f"looking: {check.name}")
                )
            )
    except ValueError as error:
        fail(f"{kubeconfig or 'kubeconfig'}: {error}")
    except Unreachable as error:
        fail(f"the API server at {api.address} could not be asked: {error}")
    if output is Output.JSON:
        write(as_json(found))
    else:
        table(found, Console())
    flush()
    if worst(found) is Level.ERROR:
        raise typer.Exit(REFUSED)
    if not looked(found):
        fail("nothing but the API server's version may be looked at")
