"""The options that inject and check share: files, and the cluster that would admit them."""

import functools
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from webhook.cli.options import (
    CLUSTER,
    ImageVolumes,
    KubeVersion,
    LoaderEnv,
    LoaderImage,
    LoaderPullSecrets,
    LoaderUser,
    Policies,
    pull_secrets,
    value,
    variables,
    version_number,
)

if TYPE_CHECKING:
    from webhook.offline.snapshot import Snapshot

Files = Annotated[
    list[Path],
    value(
        "FILE|DIR|-",
        "A YAML or JSON file, a directory with everything below it, or - for standard input; "
        "repeatable.",
        "--filename",
        "-f",
    ),
]
Namespace = Annotated[
    str,
    typer.Option(
        "--namespace", "-n", metavar="NAME", help="The namespace of objects that name none."
    ),
]
Cluster = Annotated[
    list[Path] | None,
    value(
        "FILE|DIR",
        "Objects that exist there, as kubectl get -o yaml prints them: Namespace, "
        "PersistentVolumeClaim, Node, LimitRange, ResourceQuota, CachedModel, CachePolicy; "
        "repeatable. An object that is not given is unknown, and nothing is refused because of it.",
        "--cluster",
        panel=CLUSTER,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """The options as given; None: not given."""

    filename: Files
    namespace: Namespace = "default"
    policy: Policies = None
    cluster: Cluster = None
    kube_version: KubeVersion = "1.37"
    image_volumes: ImageVolumes = False
    loader_image: LoaderImage = None
    loader_env: LoaderEnv = None
    loader_user: LoaderUser = None
    loader_pull_secret: LoaderPullSecrets = None

    def snapshot(self) -> "Snapshot":
        """Return the cluster; ValueError names every mistake, those of the files included."""
        from webhook.documents.contents import read_objects
        from webhook.documents.files import read_documents
        from webhook.objects.facts import Facts
        from webhook.objects.names import DEFAULT_LOADER_IMAGE
        from webhook.offline.snapshot import Snapshot

        mistakes = []
        try:
            return Snapshot.of(
                read_objects(self.cluster or []),
                read_objects(self.policy or []),
                namespace=self.namespace,
                everywhere=Facts(
                    kube_version=version_number(self.kube_version) if self.kube_version else None,
                    image_volumes=self.image_volumes,
                    loader_image=self.loader_image or DEFAULT_LOADER_IMAGE,
                    loader_env=variables(self.loader_env),
                    loader_user=self.loader_user,
                    loader_pull_secrets=pull_secrets(self.loader_pull_secret),
                ),
            )
        except ValueError as error:
            mistakes.append(str(error))
        try:
            read_documents(self.filename)  # so that its mistakes are reported too
        except ValueError as error:
            mistakes.append(str(error))
        raise ValueError("\n".join(mistakes))


def with_cluster(command: Callable[..., None]) -> Callable[..., None]:
    """Return *command* with the fields of ClusterOptions in place of its first parameter.

    typer reads options only from the parameters of a function.
    """
    shared = [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.default is MISSING else field.default,
            annotation=field.type,
        )
        for field in fields(ClusterOptions)
    ]
    own = list(signature(command).parameters.values())[1:]

    @functools.wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401  # options of any type
        options = ClusterOptions(**{option.name: given.pop(option.name) for option in shared})
        command(options, **given)

    run.__signature__ = Signature([*shared, *own])  # type: ignore[attr-defined]  # typer reads it
    return run
