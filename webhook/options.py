"""The options that several commands share, as people see them in --help."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """What inject prints."""

    YAML = "yaml"
    JSON = "json"
    PATCH = "patch"


class LogFormat(StrEnum):
    """How serve writes its log."""

    JSON = "json"
    TEXT = "text"


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
    typer.Option(
        "--policy",
        metavar="FILE|DIR",
        help="CachedModel and CachePolicy documents; repeatable.",
        show_default=False,
    ),
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
    str | None,
    typer.Option(
        "--loader-image",
        metavar="IMAGE",
        help="The image of our init containers.",
        show_default=False,
    ),
]
Files = Annotated[
    list[Path],
    typer.Option(
        "--filename",
        "-f",
        metavar="FILE|DIR|-",
        help="YAML or JSON: a file, a directory with all below it, or - for standard input; "
        "repeatable.",
        show_default=False,
    ),
]
Cluster = Annotated[
    list[Path] | None,
    typer.Option(
        "--cluster",
        metavar="FILE|DIR",
        help="What exists there, as kubectl get -o yaml prints it: Namespace, "
        "PersistentVolumeClaim, Node, LimitRange, ResourceQuota, CachedModel, CachePolicy; "
        "repeatable. What is not given is unknown, and no obstacle.",
        show_default=False,
    ),
]
Namespace = Annotated[
    str,
    typer.Option("--namespace", "-n", metavar="NAME", help="The namespace of what names none."),
]
