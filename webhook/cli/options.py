"""The options that several commands have, as people see them in --help."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class Output(StrEnum):
    """What a command prints: a table for people, or JSON for programs."""

    TABLE = "table"
    JSON = "json"


def value(metavar: str, text: str, *names: str) -> Any:  # noqa: ANN401  # as typer says
    """Return an option that takes a value and has no default to show."""
    return typer.Option(*names, metavar=metavar, help=text, show_default=False)


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
KubeVersion = Annotated[
    str | None,
    typer.Option(
        "--kube-version",
        metavar="1.N",
        help="The API server's version: 1.34, or what kubectl version prints.",
    ),
]
ImageVolumes = Annotated[
    bool,
    typer.Option(
        "--image-volumes", help="The server keeps image volumes although it is older than 1.35."
    ),
]
LoaderImage = Annotated[
    str | None, value("IMAGE", "The image of our init containers.", "--loader-image")
]
LoaderEnv = Annotated[
    list[str] | None,
    value(
        "NAME=VALUE",
        "A variable of loaders that download (load-from source), such as HTTPS_PROXY or "
        "HF_ENDPOINT; repeatable.",
        "--loader-env",
    ),
]
Form = Annotated[Output, typer.Option("--output", "-o", help="The form.")]
Kubeconfig = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Default: KUBECONFIG, ~/.kube/config, then our own pod."),
]
Context = Annotated[str | None, typer.Option(metavar="NAME", help="The kubeconfig's context.")]


def variables(given: list[str] | None) -> dict[str, str]:
    """Return the variables of --loader-env; ValueError if one is none, or holds a secret."""
    from webhook.rendering.readers import variable

    try:
        return dict(map(variable, given or ()))
    except ValueError as error:
        raise ValueError(f"--loader-env: {error}") from error
