"""The options that several commands have, as people see them in --help."""

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console


class Output(StrEnum):
    """What a command prints: a table for people, or JSON for programs."""

    TABLE = "table"
    JSON = "json"


T = TypeVar("T")
CLUSTER: Final = "Cluster"
LOADERS: Final = "Loaders"


def value(metavar: str, text: str, *names: str, panel: str | None = None) -> Any:  # noqa: ANN401  # as typer says
    """Return an option that takes a value and shows no default; *panel*: its group in --help."""
    return typer.Option(
        *names, metavar=metavar, help=text, show_default=False, rich_help_panel=panel
    )


def cache_of_hub(panel: str) -> Any:  # noqa: ANN401  # as typer says
    """Return the option that decides whether loaders make the cache; *panel*: its group."""
    return typer.Option(
        "--hub-cache/--no-hub-cache",
        help="Publish a model of the hub as a Hugging Face cache too, with hard links, so that "
        "servers find it as org/name. Default: if the store has hard links. --hub-cache: fail "
        "if it has none.",
        show_default=False,
        rich_help_panel=panel,
    )


def version_number(text: str) -> tuple[int, int]:
    """Return (1, 34) for "1.34", "v1.34.4" and the like."""
    found = re.fullmatch(r"v?(1)\.(\d{1,3})(?:[.+-].*)?", text.strip())
    if not found:
        raise typer.BadParameter(
            f'"{text[:40]}" is not a version such as 1.34', param_hint="--kube-version"
        )
    return int(found[1]), int(found[2])


Policies = Annotated[
    list[Path] | None,
    value("FILE|DIR", "CachedModel and CachePolicy documents; repeatable.", "--policy"),
]
WatchFacts = Annotated[
    bool,
    typer.Option(
        "--facts/--no-facts",
        help="Watch CachedModels, CachePolicies, Namespaces, PersistentVolumeClaims, Nodes, "
        "LimitRanges and ResourceQuotas, so that reviews know them.",
        rich_help_panel=CLUSTER,
    ),
]


class Obstacles(StrEnum):
    """What becomes of a pod that the cluster will refuse, or never start."""

    REFUSE = "refuse"
    WARN = "warn"


FactObstacles = Annotated[
    Obstacles,
    typer.Option(
        help="What becomes of a pod that, by what --facts knows, the cluster will refuse or never "
        "start.",
        rich_help_panel=CLUSTER,
    ),
]
WatchNodes = Annotated[
    bool,
    typer.Option(
        "--node-facts/--no-node-facts",
        help="Whether --facts watches Nodes.",
        rich_help_panel=CLUSTER,
    ),
]
KubeVersion = Annotated[
    str | None,
    typer.Option(
        "--kube-version",
        metavar="1.N",
        help="The API server's version: 1.34, or what kubectl version prints.",
        rich_help_panel=CLUSTER,
    ),
]
ImageVolumes = Annotated[
    bool,
    typer.Option(
        "--image-volumes",
        help="The API server keeps image volumes although it is older than 1.35.",
        rich_help_panel=CLUSTER,
    ),
]
LoaderImage = Annotated[
    str | None,
    value(
        "IMAGE",
        "The image of the init containers that the webhook adds.",
        "--loader-image",
        panel=LOADERS,
    ),
]
LoaderEnv = Annotated[
    list[str] | None,
    value(
        "NAME=VALUE",
        "An environment variable for loaders that download (load-from: source), such as "
        "HTTPS_PROXY or HF_ENDPOINT; repeatable.",
        "--loader-env",
        panel=LOADERS,
    ),
]
LoaderUser = Annotated[
    int | None,
    typer.Option(
        "--loader-user",
        metavar="ID",
        min=1,
        max=2**31 - 1,
        help="The user of the init containers that the webhook adds; default: the pod's, or else "
        "the image's.",
        show_default=False,
        rich_help_panel=LOADERS,
    ),
]
LoaderPullSecrets = Annotated[
    list[str] | None,
    value(
        "NAME",
        "A Secret of the pod's namespace that --loader-image is pulled with; repeatable.",
        "--loader-pull-secret",
        panel=LOADERS,
    ),
]
Form = Annotated[Output, typer.Option("--output", "-o", help="The format of the output.")]
Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Default: KUBECONFIG, then ~/.kube/config, then the ServiceAccount of this pod.",
        rich_help_panel=CLUSTER,
    ),
]
Context = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The context of the kubeconfig.", rich_help_panel=CLUSTER),
]


def variables(given: list[str] | None) -> dict[str, str]:
    """Return the variables of --loader-env; ValueError if one is malformed or holds a secret."""
    from webhook.rendering.readers import variable

    try:
        return dict(map(variable, given or ()))
    except ValueError as error:
        raise ValueError(f"--loader-env: {error}") from error


def pull_secrets(given: list[str] | None) -> tuple[str, ...]:
    """Return the names of --loader-pull-secret; ValueError if one is not a name of an object."""
    from webhook.values.readers import object_name

    try:
        return tuple(map(object_name, given or ()))
    except ValueError as error:
        raise ValueError(f"--loader-pull-secret: {error}") from error


def show(
    result: T,
    output: Output,
    as_json: Callable[[T], bytes],
    table: "Callable[[T, Console], None]",
) -> None:
    """Print *result* as a table for people or as JSON for programs, and flush the output."""
    from rich.console import Console

    from webhook.terminal import printing

    if output is Output.JSON:
        printing.write(as_json(result))
    else:
        table(result, Console())
    printing.flush()
