"""modelcache load: its arguments."""

import contextlib
import os
import secrets
import signal
import socket
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from webhook.cli.exit_status import REFUSED, TERMINATED, fail
from webhook.models.schemes import SCHEMES
from webhook.values.duration import seconds

if TYPE_CHECKING:
    from webhook.loading.in_cluster.lease import Lease
    from webhook.loading.in_cluster.node_labels import NodeLabels

app = typer.Typer()

_SOURCES: Final = "; ".join(scheme.form for scheme in SCHEMES).replace("[", r"\[")
_CREDENTIALS: Final = "; ".join(
    f"{scheme.name}: {scheme.credentials}" for scheme in SCHEMES if scheme.credentials != "none"
).replace("`", "")
_TERMINATION: Final = Path("/dev/termination-log")
"""Of a container: kubectl describe pod shows what it says. Nowhere else is such a file."""


class ProgressForm(StrEnum):
    """How progress is shown."""

    AUTO = "auto"
    LINES = "lines"
    JSON = "json"


@app.command(
    epilog="Example: modelcache load hf://mistralai/Mistral-7B-Instruct-v0.3 /store",
    short_help="Download a model into a store.",
    help="Download a model into a STORE, check it, and publish it whole. What is there already is "
    f"not downloaded again, and what an earlier attempt left is used. SOURCE: {_SOURCES}. "
    f"Credentials: {_CREDENTIALS}.",
)
def load(
    source: Annotated[str, typer.Argument(metavar="SOURCE", show_default=False)],
    store: Annotated[Path, typer.Argument(metavar="STORE", show_default=False)],
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Files that are wanted; repeatable.", show_default=False),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB", help="Files that are not, of these; repeatable.", show_default=False
        ),
    ] = None,
    safetensors_only: Annotated[
        bool, typer.Option("--safetensors-only", help="Refuse weights that are pickle.")
    ] = False,
    hub_cache: Annotated[
        bool,
        typer.Option("--hub-cache", help="Make it a Hugging Face cache too, for layout hf-cache."),
    ] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Holds the hub's or the registry's token.", show_default=False
        ),
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Files at once.")] = 8,
    deadline: Annotated[str, typer.Option(help="For all of it, such as 90m.")] = "6h",
    xet: Annotated[
        bool,
        typer.Option(
            "--xet", help="Use the hub's Xet storage for all files, not above 50 GB alone."
        ),
    ] = False,
    first: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Nearer, and asked first, such as file:///claim/org--name/main; SOURCE is asked "
            "only if that has not the same.",
            show_default=False,
        ),
    ] = None,
    stagger: Annotated[
        str, typer.Option(help="A download begins at some moment within it; none: 0s.")
    ] = "0s",
    label_node: Annotated[
        str | None,
        typer.Option(
            metavar="NODE",
            help="In a pod: label the node once the model is there, and not before.",
            show_default=False,
        ),
    ] = None,
    lease: Annotated[
        str | None,
        typer.Option(
            metavar="NAMESPACE/NAME",
            help="In a pod: download only while this Lease is ours, which others wait for.",
            show_default=False,
        ),
    ] = None,
    progress: Annotated[
        ProgressForm,
        typer.Option(help="auto: a bar on a terminal, else lines; json: lines for programs."),
    ] = ProgressForm.AUTO,
) -> None:
    """Load a model."""
    from webhook.loading.load import load as load_model
    from webhook.loading.options import Options
    from webhook.loading.patterns import ALLOW, IGNORE, Patterns
    from webhook.terminal.progress import say, shown, tell

    try:
        if seconds(stagger) and seconds(stagger) >= seconds(deadline):
            raise ValueError(
                f"--stagger {stagger} leaves nothing of --deadline {deadline}: give less of it"
            )
        token = token_file.read_text().strip() if token_file else None
        ours = _lease(lease, seconds(deadline)) if lease else None
        options = Options(
            source=source,
            store=store,
            patterns=Patterns(tuple(allow or ALLOW), tuple(ignore or IGNORE)),
            safetensors_only=safetensors_only,
            hub_cache=hub_cache,
            token=token or None,
            endpoint=os.environ.get("HF_ENDPOINT"),
            parallel=parallel,
            deadline=seconds(deadline),
            stagger=seconds(stagger),
            first=first,
            xet=xet,
            node=_labels(label_node, seconds(deadline)) if label_node else None,
            lease=ours,
        )
        os.umask(0o022)  # the server may run as another user
        # As process 1 of a container it would not hear of it otherwise, until it is killed.
        signal.signal(signal.SIGTERM, lambda *_: _terminated(ours))
        done = load_model(options, say, shown(progress.value))
    except (OSError, ValueError) as error:
        fail(error, REFUSED)
    if progress is ProgressForm.JSON:
        tell(published=str(done.place), bytes=done.size, fetched=done.fetched)
    else:
        typer.echo(f"{done.place}: {done.size} bytes, {done.fetched} of them downloaded")
    with contextlib.suppress(OSError), _TERMINATION.open("r+") as file:
        file.write(f"{done.size} bytes, {done.fetched} of them downloaded")


def _labels(node: str, deadline: float) -> "NodeLabels":
    from webhook.loading.in_cluster.node_labels import NodeLabels
    from webhook.terminal.progress import say

    return NodeLabels(node, time.monotonic() + deadline, say)


def _lease(name: str, deadline: float) -> "Lease":
    from webhook.loading.in_cluster.lease import Lease
    from webhook.terminal.progress import say

    # Host names are cut where names of pods are longer, and then two pods may have one.
    holder = os.environ.get("POD_NAME") or f"{socket.gethostname()}-{secrets.token_hex(4)}"
    return Lease(name, holder, time.monotonic() + deadline, say, _superseded)


def _superseded(why: str) -> None:
    """End at once: another loader goes on with what has arrived."""
    from webhook.store.incoming import end_all

    end_all()
    typer.echo(f"modelcache: {why}", err=True)
    os._exit(REFUSED)


def _terminated(lease: "Lease | None") -> None:
    """End at once: what has arrived stays, and the next loader need not wait for us."""
    from webhook.store.incoming import end_all

    end_all()
    if lease:
        lease.release()
    os._exit(TERMINATED)
