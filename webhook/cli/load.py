"""The options of modelcache load."""

import contextlib
import os
import resource
import secrets
import socket
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from webhook.cli.exit_status import REFUSED, fail
from webhook.cli.interruption import end_when_interrupted
from webhook.cli.options import cache_of_hub, value
from webhook.models.schemes import SCHEMES
from webhook.models.source import of_file
from webhook.values.duration import seconds

if TYPE_CHECKING:
    from webhook.loading.in_cluster.lease import Lease
    from webhook.loading.in_cluster.node_labels import NodeLabels

app = typer.Typer()
_SOURCE: Final = "Source"
_FILES: Final = "Files"
_TIME: Final = "Speed and time"
_POD: Final = "In a pod"

_SOURCES: Final = "; ".join(scheme.form for scheme in SCHEMES).replace("[", r"\[")
_CREDENTIALS: Final = "; ".join(
    f"{scheme.name}: {scheme.credentials}" for scheme in SCHEMES if scheme.credentials != "none"
).replace("`", "")
_TERMINATION: Final = Path("/dev/termination-log")
"""Exists only in a container of a pod: kubectl describe pod shows its content."""


class ProgressForm(StrEnum):
    """How progress is shown."""

    AUTO = "auto"
    LINES = "lines"
    JSON = "json"


@app.command(
    epilog="Example: modelcache load hf://mistralai/Mistral-7B-Instruct-v0.3 /store",
    short_help="Download a model into a store.",
    help="Download the model SOURCE into the store STORE, check it, and publish it whole. A model "
    "that the store has already is not downloaded again, unless it is damaged: then it is "
    "published anew. What an earlier attempt left is used. "
    f"Credentials: {_CREDENTIALS}. Exit status 1: the model is not published.",
)
def load(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help=f"One of: {_SOURCES}.", show_default=False)
    ],
    store: Annotated[
        Path,
        typer.Argument(
            metavar="STORE",
            help="A directory of models: the root of a claim, or the cache of a node.",
            show_default=False,
        ),
    ],
    *,
    token_file: Annotated[
        Path | None,
        value("FILE", "A file with the token of the hub, or of the registry.", panel=_SOURCE),
    ] = None,
    first: Annotated[
        str | None,
        value(
            "SOURCE",
            "A nearer source to try first, such as file:///claim/org--name/main. SOURCE is used "
            "only if that one does not have the same model.",
            panel=_SOURCE,
        ),
    ] = None,
    xet: Annotated[
        bool,
        typer.Option(
            "--xet",
            help="Use the hub's Xet storage for all files, not only for files above 50 GB.",
            rich_help_panel=_SOURCE,
        ),
    ] = False,
    allow: Annotated[
        list[str] | None,
        value(
            "GLOB",
            "Files to load; repeatable. Default: safetensors, each weight once, or the one GGUF; "
            "tokenizer, configuration and code.",
            panel=_FILES,
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        value(
            "GLOB",
            "Files to leave out of those that --allow or the default selects; repeatable.",
            panel=_FILES,
        ),
    ] = None,
    file: Annotated[
        str | None,
        value(
            "FILE",
            "One GGUF file of the repository, with all its shards: the same as org/name:FILE.",
            panel=_FILES,
        ),
    ] = None,
    safetensors_only: Annotated[
        bool,
        typer.Option(
            "--safetensors-only", help="Refuse weights that are pickle.", rich_help_panel=_FILES
        ),
    ] = False,
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help="Compare a model that the store has with its digests, which reads everything.",
            rich_help_panel=_FILES,
        ),
    ] = False,
    hub_cache: Annotated[bool | None, cache_of_hub(_FILES)] = None,
    parallel: Annotated[
        int,
        typer.Option(
            min=1, max=64, help="Files to download at the same time.", rich_help_panel=_TIME
        ),
    ] = 8,
    deadline: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="Give up after this long, such as 90m.",
            rich_help_panel=_TIME,
        ),
    ] = "6h",
    stagger: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="Start the download at a random moment within this long; 0s: at once.",
            rich_help_panel=_TIME,
        ),
    ] = "0s",
    label_node: Annotated[
        str | None,
        value(
            "NODE",
            "Label this node while the store, which is its cache, has the whole model.",
            panel=_POD,
        ),
    ] = None,
    lease: Annotated[
        str | None,
        value(
            "NAMESPACE/NAME",
            "Hold this Lease during the download; other loaders wait for it.",
            panel=_POD,
        ),
    ] = None,
    progress: Annotated[
        ProgressForm,
        typer.Option(
            help="auto: a bar on a terminal, otherwise lines; json: lines for programs.",
        ),
    ] = ProgressForm.AUTO,
) -> None:
    """Load a model."""
    from webhook.loading.defaults import ALLOW
    from webhook.loading.load import load as load_model
    from webhook.loading.options import Options
    from webhook.loading.origins.credentials import in_file, in_variable
    from webhook.loading.patterns import Patterns
    from webhook.terminal.hiding import hide_in_logs
    from webhook.terminal.progress import say, shown, tell

    hide_in_logs()
    try:
        if seconds(stagger) and seconds(stagger) >= seconds(deadline):
            raise ValueError(
                f"--stagger {stagger} leaves no time of --deadline {deadline}: give a shorter one"
            )
        token = in_file(token_file) if token_file else None
        ours = _lease(lease, seconds(deadline)) if lease else None
        options = Options(
            source=of_file(source, file) if file else source,
            store=store,
            patterns=Patterns(tuple(allow or ALLOW), tuple(ignore or ())),
            safetensors_only=safetensors_only,
            hub_cache=hub_cache,
            token=token,
            endpoint=in_variable("HF_ENDPOINT", secret=False) or None,
            parallel=parallel,
            deadline=seconds(deadline),
            stagger=seconds(stagger),
            full=full,
            first=first,
            xet=xet,
            node=_labels(label_node, seconds(deadline)) if label_node else None,
            lease=ours,
        )
        os.umask(0o022)  # the server may run as another user
        # A core would have the credentials in it.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        end_when_interrupted(lambda: _interrupted(ours))
        done = load_model(options, say, shown(progress.value))
    except (OSError, ValueError) as error:
        fail(error, REFUSED)
    if progress is ProgressForm.JSON:
        tell(published=str(done.place), bytes=done.size, fetched=done.fetched)
    else:
        typer.echo(f"{done.place}: {done.size} bytes, {done.fetched} of them downloaded")
    with contextlib.suppress(OSError), _TERMINATION.open("r+") as log:
        log.write(f"{done.size} bytes, {done.fetched} of them downloaded")


def _labels(node: str, deadline: float) -> "NodeLabels":
    from webhook.loading.in_cluster.node_labels import NodeLabels
    from webhook.terminal.progress import say

    return NodeLabels(node, time.monotonic() + deadline, say)


def _lease(name: str, deadline: float) -> "Lease":
    from webhook.loading.in_cluster.lease import Lease
    from webhook.terminal.progress import say

    # A host name is the start of a long pod name, so two pods may have the same.
    holder = os.environ.get("POD_NAME") or f"{socket.gethostname()}-{secrets.token_hex(4)}"
    return Lease(name, holder, time.monotonic() + deadline, say, _superseded)


def _superseded(why: str) -> None:
    """Exit at once: another loader continues with the bytes so far."""
    from webhook.store.incoming import end_all

    end_all()
    typer.echo(f"modelcache: {why}", err=True)
    os._exit(REFUSED)


def _interrupted(lease: "Lease | None") -> None:
    """Let the next loader start at once: the bytes so far stay."""
    from webhook.store.incoming import end_all
    from webhook.terminal.progress import abandon

    end_all()
    abandon("interrupted: the next load continues with the bytes that are here")
    if lease:
        lease.release()
