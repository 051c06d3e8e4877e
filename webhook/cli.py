"""The command modelcache: its commands, options and help.

What a command does stands in the module of its name; here is only what people
type. Imports wait until a command needs them, so that each starts fast.
"""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from webhook import __version__

if TYPE_CHECKING:
    from webhook.policy import Policy
    from webhook.snapshot import Snapshot

REFUSED: Final = 1
USAGE: Final = 2

app = typer.Typer(
    name="modelcache",
    help="Give pods one shared, read-only copy of their model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def fail(message: str, status: int = USAGE) -> NoReturn:
    """Print *message* and end with *status*."""
    for line in message.splitlines():
        typer.echo(f"modelcache: {line}", err=True)
    raise typer.Exit(status)


def _version(value: bool) -> None:  # typer's callback
    if value:
        typer.echo(f"modelcache {__version__}")
        raise typer.Exit


def kube_version(text: str | None) -> tuple[int, int] | None:
    """Return (1, 34) for "1.34", "v1.34.4" and the like."""
    if text is None:
        return None
    found = re.fullmatch(r"v?(1)\.(\d{1,3})(?:[.+-].*)?", text)
    if not found:
        fail(f'--kube-version "{text[:40]}" is not a version such as 1.34')
    return int(found[1]), int(found[2])


PolicyOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy",
        help="CachedModel and CachePolicy documents: a file or a directory; repeatable.",
        show_default=False,
    ),
]
KubeVersion = Annotated[
    str | None,
    typer.Option("--kube-version", metavar="1.N", help="The API server's version."),
]
ImageVolumes = Annotated[
    bool,
    typer.Option(
        "--image-volumes", help="The server keeps image volumes although it is older than 1.35."
    ),
]
LoaderImage = Annotated[
    str | None,
    typer.Option("--loader-image", help="The image of our init containers.", show_default=False),
]
Files = Annotated[
    list[Path],
    typer.Option(
        "--filename", "-f", help="A file, a directory, or - for standard input; repeatable.",
        show_default=False,
    ),
]  # fmt: skip
Cluster = Annotated[
    list[Path] | None,
    typer.Option(
        "--cluster",
        help="What exists there, as kubectl get -o yaml prints it: Namespace, "
        "PersistentVolumeClaim, Node, LimitRange, ResourceQuota, CachedModel, CachePolicy; "
        "repeatable.",
        show_default=False,
    ),
]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", help="The namespace of what has none.")
]


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it and exit.")
    ] = False,
) -> None:
    """Give pods one shared, read-only copy of their model."""


@app.command(
    epilog="Example: modelcache serve --dev --port 8443 --policy policy/",
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
    policy: PolicyOption = None,
    kube_version_: KubeVersion = None,
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
    log_format: Annotated[str, typer.Option(help="json or text.")] = "json",
) -> None:
    """Run the webhook."""
    from webhook.facts import DEFAULT_LOADER_IMAGE
    from webhook.serve import Settings
    from webhook.serve import serve as run

    if dev and (cert or key):
        fail("--dev makes its own certificate: give it, or --cert and --key")
    if not dev and not (cert and key):
        fail("give --cert and --key, or --dev for a certificate made in memory")
    if log_format not in ("json", "text"):
        fail(f'--log-format must be json or text, not "{log_format[:40]}"')
    try:
        run(
            Settings(
                policy=_policy(policy or []),
                host=host,
                port=port,
                health_port=health_port,
                certificate=cert,
                key=key,
                kube_version=kube_version(kube_version_),
                image_volumes=image_volumes,
                loader_image=loader_image or DEFAULT_LOADER_IMAGE,
                own_namespace=own_namespace,
                self_check=self_check,
                shutdown_delay=shutdown_delay,
                drain=drain,
                log_format=log_format,
            )
        )
    except ValueError as error:
        fail(str(error))


def _policy(paths: list[Path]) -> "Policy":
    from webhook.documents import read_objects
    from webhook.policy import Policy, load_policy

    return load_policy(read_objects(paths)) if paths else Policy()


@app.command(
    epilog="Example: modelcache inject -f deployment.yaml --diff --explain",
    help="Print what the cluster would admit, offline. Status 1: something would be refused.",
)
def inject(  # each is an option
    filename: Files,
    cluster: Cluster = None,
    policy: PolicyOption = None,
    kube_version_: KubeVersion = "1.37",
    image_volumes: ImageVolumes = False,
    loader_image: LoaderImage = None,
    namespace: Namespace = "default",
    output: Annotated[str, typer.Option("--output", "-o", help="yaml, json or patch.")] = "yaml",
    diff: Annotated[bool, typer.Option("--diff", help="Show the change alone, in colour.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say in words what was added, and the arithmetic.")
    ] = False,
) -> None:
    """Admit files."""
    from webhook.inject import run

    if output not in ("yaml", "json", "patch"):
        fail(f'--output must be yaml, json or patch, not "{output[:40]}"')
    try:
        world = _world(cluster, policy, kube_version_, image_volumes, loader_image, namespace)
        refused = run(filename, world, output=output, diff=diff, explain=explain)
    except ValueError as error:
        fail(str(error))
    if refused:
        raise typer.Exit(REFUSED)


@app.command(
    epilog="Example: modelcache check -f k8s/ --cluster cluster.yaml",
    help="Print the verdict alone, a line for each object. Status 1: something would be refused.",
)
def check(  # each is an option
    filename: Files,
    cluster: Cluster = None,
    policy: PolicyOption = None,
    kube_version_: KubeVersion = "1.37",
    image_volumes: ImageVolumes = False,
    loader_image: LoaderImage = None,
    namespace: Namespace = "default",
) -> None:
    """Judge files."""
    from webhook.inject import verdicts

    try:
        world = _world(cluster, policy, kube_version_, image_volumes, loader_image, namespace)
        refused = verdicts(filename, world)
    except ValueError as error:
        fail(str(error))
    if refused:
        raise typer.Exit(REFUSED)


def _world(  # the options that inject and check share
    cluster: list[Path] | None,
    policy: list[Path] | None,
    version: str | None,
    image_volumes: bool,
    loader_image: str | None,
    namespace: str,
) -> "Snapshot":
    from webhook.documents import read_objects
    from webhook.facts import DEFAULT_LOADER_IMAGE
    from webhook.snapshot import Snapshot

    return Snapshot.of(
        read_objects(cluster or []),
        read_objects(policy or []),
        namespace=namespace,
        kube_version=kube_version(version),
        image_volumes=image_volumes,
        loader_image=loader_image or DEFAULT_LOADER_IMAGE,
    )


@app.command(
    epilog="Example: modelcache copy /store/llama /memory/llama",
    help="Copy models from a store into memory, each SOURCE into its DEST. Used by our loader.",
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
        fail(str(error), REFUSED)


@app.command(
    epilog="Example: modelcache verify /models/llama-3.1-8b",
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
        fail(str(error), REFUSED)


def main() -> None:
    """Run the command; a closed pipe is no fault."""
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
