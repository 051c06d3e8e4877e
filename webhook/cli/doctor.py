"""The options of modelcache doctor."""

from typing import Annotated, Final

import typer

from webhook.cli.exit_status import REFUSED, fail
from webhook.cli.options import Context, Form, Kubeconfig, Output, show

app = typer.Typer()
_WHERE: Final = "Installation"


@app.command(
    epilog="Example: modelcache doctor --context production",
    short_help="Find what is wrong with the installation in a cluster.",
    help="Find what is wrong with the installation in a live cluster, and say how to fix it. It "
    "reads no Secret and changes nothing: pods are created as dry runs. Exit status 0: no errors, "
    "perhaps warnings; 1: an error; 2: the cluster could not be queried, or you may "
    "read nothing but its version.",
)
def doctor(
    *,
    namespace: Annotated[
        str,
        typer.Option(
            "--namespace",
            "-n",
            metavar="NAME",
            help="The namespace of the webhook.",
            rich_help_panel=_WHERE,
        ),
    ] = "modelcache-system",
    configuration: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="The MutatingWebhookConfiguration.", rich_help_panel=_WHERE
        ),
    ] = "zz-modelcache",
    probe_namespace: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The namespace in which pods are created, as dry runs.",
            rich_help_panel=_WHERE,
        ),
    ] = "default",
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: Form = Output.TABLE,
) -> None:
    """Find what is wrong."""
    from rich.console import Console

    from webhook.api_server.client import Api
    from webhook.api_server.errors import Unreachable
    from webhook.doctor.diagnosis import diagnosis, looked
    from webhook.doctor.finding import Level
    from webhook.doctor.installation import Installation, Names
    from webhook.doctor.report import as_json, table, worst

    names = Names(namespace=namespace, configuration=configuration, probe_namespace=probe_namespace)
    try:
        api = Api(kubeconfig, context)
        with Console(stderr=True).status("asking the API server") as status:
            found = list(
                diagnosis(
                    Installation(api, names), lambda check: status.update(f"checking: {check.name}")
                )
            )
    except ValueError as error:
        fail(f"{kubeconfig or 'kubeconfig'}: {error}")
    except Unreachable as error:
        fail(f"the API server at {api.address} could not be queried: {error}")
    show(found, output, as_json, table)
    if worst(found) is Level.ERROR:
        raise typer.Exit(REFUSED)
    if not looked(found):
        fail("there is no permission to read anything but the API server's version")
