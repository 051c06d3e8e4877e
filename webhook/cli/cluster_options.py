"""The options that inject and check share: files, and the cluster that would admit them."""

import functools
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from webhook.cli.exit_status import REFUSED, fail
from webhook.cli.options import (
    CLUSTER,
    Context,
    ImageVolumes,
    Kubeconfig,
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
    from webhook.api_server.client import Api
    from webhook.objects.facts import Facts
    from webhook.offline.world import World

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


Live = Annotated[
    bool,
    typer.Option(
        "--live",
        help="Ask the cluster of the kubeconfig, in place of --cluster: policies, models, nodes, "
        "and of each namespace that the files name its labels, claims, LimitRanges and "
        "ResourceQuotas. What you may not read is unknown, and said.",
        rich_help_panel=CLUSTER,
    ),
]
DEFAULT_VERSION: Final = "1.37"
Version = Annotated[
    str | None,
    typer.Option(
        "--kube-version",
        metavar="1.N",
        help="The API server's version: 1.34, or what kubectl version prints. "
        f"Default: {DEFAULT_VERSION}; with --live, the version of the cluster.",
        show_default=False,
        rich_help_panel=CLUSTER,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """The options as given; None: not given."""

    filename: Files
    namespace: Namespace = "default"
    policy: Policies = None
    cluster: Cluster = None
    live: Live = False
    kubeconfig: Kubeconfig = None
    context: Context = None
    kube_version: Version = None
    image_volumes: ImageVolumes = False
    loader_image: LoaderImage = None
    loader_env: LoaderEnv = None
    loader_user: LoaderUser = None
    loader_pull_secret: LoaderPullSecrets = None

    def world(self, api: "Api | None") -> "World":
        """Return the cluster: what the API server says, or files if there is none.

        ValueError names every mistake, those of the files included; RequestFailed.
        """
        from webhook.admission.policy.documents import load_policy
        from webhook.documents.contents import read_objects
        from webhook.documents.files import read_documents
        from webhook.offline.snapshot import Snapshot

        mistakes = []
        try:
            policy = read_objects(self.policy or [])
            if api:
                from webhook.offline.live import Live

                files = load_policy(policy)
                return Live(api, files, namespace=self.namespace, everywhere=self._everywhere())
            return Snapshot.of(
                read_objects(self.cluster or []),
                policy,
                namespace=self.namespace,
                everywhere=self._everywhere(),
            )
        except ValueError as error:
            mistakes.append(str(error))
        try:
            read_documents(self.filename)  # so that its mistakes are reported too
        except ValueError as error:
            mistakes.append(str(error))
        raise ValueError("\n".join(mistakes))

    def _everywhere(self) -> "Facts":
        """Return what is true in every namespace."""
        from webhook.objects.facts import Facts
        from webhook.objects.names import DEFAULT_LOADER_IMAGE

        version = self.kube_version
        if version is None and not self.live:
            version = DEFAULT_VERSION
        return Facts(
            kube_version=version_number(version) if version else None,
            image_volumes=self.image_volumes,
            loader_image=self.loader_image or DEFAULT_LOADER_IMAGE,
            loader_env=variables(self.loader_env),
            loader_user=self.loader_user,
            loader_pull_secrets=pull_secrets(self.loader_pull_secret),
        )

    def api(self) -> "Api | None":
        """Return the API server that is asked; None without --live. ValueError."""
        if not self.live:
            if self.kubeconfig or self.context:
                raise ValueError("--kubeconfig, --context: have no effect without --live")
            return None
        if self.cluster:
            raise ValueError("--live, --cluster: both say what the cluster is: leave one out")
        from webhook.api_server.client import Api

        try:
            return Api(self.kubeconfig, self.context)
        except ValueError as error:
            raise ValueError(f"{self.kubeconfig or 'kubeconfig'}: {error}") from error


def judge(options: ClusterOptions, decide: "Callable[[World], bool]") -> None:
    """Let *decide* judge files by the cluster, and exit. It returns whether something fails."""
    from webhook.api_server.errors import RequestFailed
    from webhook.terminal import printing

    api = None
    try:
        api = options.api()
        world = options.world(api)
        failed = decide(world)
    except ValueError as error:
        fail(error)
    except RequestFailed as error:
        address = api.address if api else ""
        fail(f"the API server at {address} could not be queried: {error}")
    for line in world.notes:
        printing.note(line)
    if world.nothing:
        fail("there is no permission to read anything in the cluster")
    if failed:
        raise typer.Exit(REFUSED)


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
