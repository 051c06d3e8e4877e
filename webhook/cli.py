"""The command modelcache: its commands, options and help.

What a command does stands in the module of its name; here is only what people
type. Imports wait until a command needs them, so that each starts fast.
"""

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from webhook import __version__
from webhook.options import (
    Cluster,
    Files,
    ImageVolumes,
    KubeVersion,
    LoaderImage,
    LogFormat,
    Namespace,
    Output,
    Policies,
    version_number,
)

if TYPE_CHECKING:
    from webhook.policy import Policy
    from webhook.snapshot import Snapshot

REFUSED: Final = 1
USAGE: Final = 2

app = typer.Typer(
    name="modelcache",
    help="Give pods one shared, read-only copy of their model.",
    epilog="Example: modelcache inject -f deployment.yaml --diff",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def fail(message: str | Exception, status: int = USAGE) -> NoReturn:
    """Print *message* and end with *status*."""
    if isinstance(message, OSError) and message.filename:
        message = f"{message.filename}: {message.strerror}"
    for line in str(message).splitlines():
        typer.echo(f"modelcache: {line}", err=True)
    raise typer.Exit(status)


def _version(value: bool) -> None:  # typer's callback
    if value:
        typer.echo(f"modelcache {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it and exit.")
    ] = False,
) -> None:
    """Give pods one shared, read-only copy of their model."""


@app.command(
    epilog="Example: modelcache serve --dev --policy policy/",
    short_help="Serve the admission webhook.",
    help="Serve the admission webhook: TLS on --port, probes and metrics on --health-port.",
)
def serve(  # each is an option
    port: Annotated[int, typer.Option(min=0, max=65535, help="Reviews, over TLS.")] = 8443,
    health_port: Annotated[
        int, typer.Option(min=0, max=65535, help="/livez, /readyz, /metrics, plain HTTP.")
    ] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "0.0.0.0",  # noqa: S104
    cert: Annotated[Path | None, typer.Option(help="PEM file of the certificate chain.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file of its key.")] = None,
    dev: Annotated[
        bool, typer.Option("--dev", help="Make a certificate in memory; print the registration.")
    ] = False,
    policy: Policies = None,
    kube_version: KubeVersion = None,
    image_volumes: ImageVolumes = False,
    loader_image: LoaderImage = None,
    own_namespace: Annotated[
        str, typer.Option("--own-namespace", help="Where we run; never injected.")
    ] = "modelcache-system",
    self_check: Annotated[
        bool, typer.Option("--self-check", help="Apply each patch before its answer leaves.")
    ] = False,
    shutdown_delay: Annotated[
        float, typer.Option(min=0, help="Seconds to go on listening after SIGTERM.")
    ] = 5,
    drain: Annotated[
        float, typer.Option(min=0, help="Seconds that running reviews get after that.")
    ] = 10,
    log_format: Annotated[LogFormat, typer.Option(help="One line per event.")] = LogFormat.JSON,
) -> None:
    """Run the webhook."""
    from webhook.facts import DEFAULT_LOADER_IMAGE
    from webhook.serve import Settings
    from webhook.serve import serve as run

    if dev and (cert or key):
        fail("--dev makes its own certificate: give it, or --cert and --key")
    if not dev and not (cert and key):
        fail("give --cert and --key, or --dev for a certificate made in memory")
    try:
        run(
            Settings(
                policy=_policy(policy or []),
                host=host,
                port=port,
                health_port=health_port,
                certificate=cert,
                key=key,
                kube_version=version_number(kube_version) if kube_version else None,
                image_volumes=image_volumes,
                loader_image=loader_image or DEFAULT_LOADER_IMAGE,
                own_namespace=own_namespace,
                self_check=self_check,
                shutdown_delay=shutdown_delay,
                drain=drain,
                log_format=log_format.value,
            )
        )
    except ValueError as error:
        fail(error)


def _policy(paths: list[Path]) -> "Policy":
    from webhook.policy import Policy, load_policy

    if not paths:
        return Policy()  # a server without files needs no YAML, which takes 1.6 MiB
    from webhook.documents import read_objects

    return load_policy(read_objects(paths))


@app.command(
    epilog="Example: modelcache inject -f deployment.yaml --cluster cluster.yaml --diff --explain",
    short_help="Print what the cluster would admit, offline.",
    help="Print what the cluster would admit, offline: a workload is shown as its pods will be. "
    "Exit status 1: something is refused, and left out; 2: the input or the options are wrong.",
)
def inject(  # each is an option
    filename: Files,
    cluster: Cluster = None,
    policy: Policies = None,
    kube_version: KubeVersion = "1.37",
    image_volumes: ImageVolumes = False,
    loader_image: LoaderImage = None,
    namespace: Namespace = "default",
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
    from webhook.inject import run

    try:
        world = _world(
            filename, cluster, policy, kube_version, image_volumes, loader_image, namespace
        )
        refused = run(filename, world, output=output.value, diff=diff, explain=explain)
    except ValueError as error:
        fail(error)
    if refused:
        raise typer.Exit(REFUSED)


@app.command(
    epilog="Example: modelcache check -f k8s/ --cluster cluster.yaml --kube-version 1.34",
    short_help="Print the verdict alone.",
    help="Print the verdict alone, a line for each annotated object. Exit status 0: all admitted; "
    "1: something is refused; 2: the input or the options are wrong.",
)
def check(  # each is an option
    filename: Files,
    cluster: Cluster = None,
    policy: Policies = None,
    kube_version: KubeVersion = "1.37",
    image_volumes: ImageVolumes = False,
    loader_image: LoaderImage = None,
    namespace: Namespace = "default",
) -> None:
    """Judge files."""
    from webhook.inject import verdicts

    try:
        world = _world(
            filename, cluster, policy, kube_version, image_volumes, loader_image, namespace
        )
        refused = verdicts(filename, world)
    except ValueError as error:
        fail(error)
    if refused:
        raise typer.Exit(REFUSED)


def _world(  # the options that inject and check share
    filename: list[Path],
    cluster: list[Path] | None,
    policy: list[Path] | None,
    kube_version: str | None,
    image_volumes: bool,
    loader_image: str | None,
    namespace: str,
) -> "Snapshot":
    from webhook.documents import read_documents, read_objects
    from webhook.facts import DEFAULT_LOADER_IMAGE
    from webhook.snapshot import Snapshot

    mistakes = []
    try:
        return Snapshot.of(
            read_objects(cluster or []),
            read_objects(policy or []),
            namespace=namespace,
            kube_version=version_number(kube_version) if kube_version else None,
            image_volumes=image_volumes,
            loader_image=loader_image or DEFAULT_LOADER_IMAGE,
        )
    except ValueError as error:
        mistakes.append(str(error))
    try:
        read_documents(filename)  # so that its mistakes are told as well
    except ValueError as error:
        mistakes.append(str(error))
    raise ValueError("\n".join(mistakes))


@app.command(
    epilog="Example: modelcache copy /store/llama /memory/llama",
    short_help="Copy models from a store into memory.",
    help="Copy models from a store into memory, each SOURCE into its DEST, and check them. "
    "What DEST held is removed. Used by our loader.",
)
def copy(
    paths: Annotated[list[Path], typer.Argument(metavar="SOURCE DEST ...", show_default=False)],
) -> None:
    """Copy models."""
    from webhook.copy import copy_models

    if len(paths) % 2:
        fail("give a DEST for each SOURCE")
    try:
        copy_models(list(zip(paths[::2], paths[1::2], strict=True)))
    except (OSError, ValueError) as error:
        fail(error, REFUSED)


@app.command(
    epilog="Example: modelcache verify /models/llama-3.1-8b",
    short_help="Check that models are complete.",
    help="Check that models are complete: the manifest's files and sizes, safetensors headers.",
)
def verify(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR ...", show_default=False)],
) -> None:
    """Check models."""
    from webhook.verify import verify_models

    try:
        verify_models(directories)
    except (OSError, ValueError) as error:
        fail(error, REFUSED)
    for directory in directories:
        typer.echo(f"{directory}: complete")


def main() -> None:
    """Run the command; a closed pipe is no fault, and an output that can't be written is told."""
    if sys.stdout is None or sys.stderr is None:
        raise SystemExit(USAGE)
    try:
        app(prog_name="modelcache")
    except OSError as error:
        with contextlib.suppress(OSError):
            # What is still in its buffer goes nowhere, instead of failing once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(REFUSED) from None
        sys.stderr.write(f"modelcache: standard output: {error.strerror}\n")
        raise SystemExit(USAGE) from None
