"""The options of modelcache serve."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from webhook.cli.exit_status import fail
from webhook.cli.options import (
    CLUSTER,
    FactObstacles,
    ImageVolumes,
    KubeVersion,
    LoaderEnv,
    LoaderImage,
    LoaderPullSecrets,
    LoaderUser,
    Obstacles,
    Policies,
    WatchFacts,
    WatchNodes,
    pull_secrets,
    value,
    variables,
    version_number,
)

if TYPE_CHECKING:
    from webhook.admission.policy.documents import Policy

app = typer.Typer()
OLDEST: Final = (1, 29)
"""The match conditions of the registration use optional values (`.?`), which CEL has since 1.29
(apiserver pkg/cel/environment/base.go: introduced in 1.28, and stored a version later)."""
_PORTS: Final = "Ports"
_CERTIFICATES: Final = "Certificates"
_SHUTDOWN: Final = "Shutdown"


class LogFormat(StrEnum):
    """The format of the log."""

    JSON = "json"
    TEXT = "text"


class FailurePolicy(StrEnum):
    """What the API server does with a pod when it can't reach the webhook."""

    IGNORE = "Ignore"
    FAIL = "Fail"


@app.command(
    epilog="Example: modelcache serve --dev --policy policy/",
    short_help="Serve the admission webhook.",
    help="Serve the admission webhook: TLS on --port, probes and metrics on --health-port.",
)
def serve(  # each is an option
    policy: Policies = None,
    self_check: Annotated[
        bool,
        typer.Option(
            "--self-check", help="Apply each patch to the object of its review before sending it."
        ),
    ] = False,
    log_format: Annotated[
        LogFormat, typer.Option(help="Format of the log, which has one line per event.")
    ] = LogFormat.JSON,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="Port for reviews, over TLS; 0: any.", rich_help_panel=_PORTS
        ),
    ] = 8443,
    health_port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            help="Port for /livez, /readyz and /metrics, over plain HTTP; 0: any.",
            rich_help_panel=_PORTS,
        ),
    ] = 8080,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address to listen on; default: every address, IPv4 and IPv6.",
            show_default=False,
            rich_help_panel=_PORTS,
        ),
    ] = "",
    connection_age: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="Age at which a connection closes after its next answer, so that clients also "
            "connect to new replicas; 0s: after each answer.",
            rich_help_panel=_PORTS,
        ),
    ] = "40s",
    cert: Annotated[
        Path | None,
        typer.Option(help="PEM file of the certificate chain.", rich_help_panel=_CERTIFICATES),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            help="PEM file of the certificate's private key.", rich_help_panel=_CERTIFICATES
        ),
    ] = None,
    dev: Annotated[
        bool,
        typer.Option(
            "--dev",
            help="Make a certificate in memory, and print a registration that trusts it.",
            rich_help_panel=_CERTIFICATES,
        ),
    ] = False,
    self_signed: Annotated[
        bool,
        typer.Option(
            "--self-signed",
            help="Keep an authority in a Secret, sign certificates with it, and write the CA "
            "bundle of the registration.",
            rich_help_panel=_CERTIFICATES,
        ),
    ] = False,
    authority_secret: Annotated[
        str,
        typer.Option(
            help="Secret of --self-signed, in --own-namespace.", rich_help_panel=_CERTIFICATES
        ),
    ] = "modelcache-webhook-ca",  # noqa: S107  # a name
    leaf_lifetime: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="Lifetime of a replica's certificate.",
            rich_help_panel=_CERTIFICATES,
        ),
    ] = "168h",
    authority_lifetime: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="Lifetime of the authority that signs certificates.",
            rich_help_panel=_CERTIFICATES,
        ),
    ] = "8760h",
    settle: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="How long a new authority is trusted before it signs.",
            rich_help_panel=_CERTIFICATES,
        ),
    ] = "60s",
    own_namespace: Annotated[
        str,
        typer.Option(
            "--own-namespace",
            help="Namespace of the webhook. Pods in it are never injected.",
            rich_help_panel=CLUSTER,
        ),
    ] = "modelcache-system",
    service: Annotated[
        str,
        typer.Option(
            help="Service of the webhook: certificates of --self-signed are for its name. Events "
            "are about the Deployment of the same name.",
            rich_help_panel=CLUSTER,
        ),
    ] = "modelcache-webhook",
    configuration: Annotated[
        str,
        typer.Option(help="MutatingWebhookConfiguration of the webhook.", rich_help_panel=CLUSTER),
    ] = "zz-modelcache",
    enforce: Annotated[
        list[str] | None,
        value(
            "BINDING",
            "ValidatingAdmissionPolicyBinding that must deny once a replica is ready; repeatable.",
            panel=CLUSTER,
        ),
    ] = None,
    failure_policy: Annotated[
        FailurePolicy,
        typer.Option(
            help="Fail: set failurePolicy in --configuration once a replica is ready.",
            rich_help_panel=CLUSTER,
        ),
    ] = FailurePolicy.IGNORE,
    enforce_after: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="How long nodes may take to route to the first ready replica. --enforce and "
            "--failure-policy=Fail take effect after that time and timeoutSeconds.",
            rich_help_panel=CLUSTER,
        ),
    ] = "30s",
    facts: WatchFacts = False,
    node_facts: WatchNodes = True,
    fact_obstacles: FactObstacles = Obstacles.REFUSE,
    kube_version: KubeVersion = None,
    image_volumes: ImageVolumes = False,
    loader_image: LoaderImage = None,
    loader_env: LoaderEnv = None,
    loader_user: LoaderUser = None,
    loader_pull_secret: LoaderPullSecrets = None,
    shutdown_delay: Annotated[
        float,
        typer.Option(
            min=0, help="Seconds to keep listening after SIGTERM.", rich_help_panel=_SHUTDOWN
        ),
    ] = 5,
    drain: Annotated[
        float,
        typer.Option(
            min=0, help="Seconds that running reviews get after that.", rich_help_panel=_SHUTDOWN
        ),
    ] = 10,
) -> None:
    """Run the webhook."""
    from webhook.controller.options import Options
    from webhook.objects.facts import Facts
    from webhook.objects.names import DEFAULT_LOADER_IMAGE
    from webhook.server.process import serve as run
    from webhook.server.settings import Settings
    from webhook.values.duration import seconds

    if [dev, bool(cert or key), self_signed].count(True) != 1 or bool(cert) != bool(key):
        fail("give one of --self-signed, --cert with --key, or --dev")
    version = version_number(kube_version) if kube_version else None
    if version and version < OLDEST:
        fail(
            f"--kube-version: {kube_version}: must be 1.29 or later, because older API servers "
            "can't compile the matchConditions"
        )
    try:
        run(
            Settings(
                policy=_policy(policy or [], knows_labels=facts),
                facts=Facts(
                    kube_version=version,
                    image_volumes=image_volumes,
                    only_warn=fact_obstacles is Obstacles.WARN,
                    loader_image=loader_image or DEFAULT_LOADER_IMAGE,
                    loader_env=variables(loader_env) if loader_env else {},
                    loader_user=loader_user,
                    loader_pull_secrets=pull_secrets(loader_pull_secret),
                ),
                host=host,
                port=port,
                health_port=health_port,
                certificate=cert,
                key=key,
                dev=dev,
                controller=Options(
                    namespace=own_namespace,
                    service=service,
                    secret=authority_secret if self_signed else None,
                    configuration=configuration,
                    bindings=tuple(enforce or ()),
                    fail=failure_policy is FailurePolicy.FAIL,
                    facts=facts,
                    node_facts=node_facts,
                    enforce_after_seconds=seconds(enforce_after),
                    leaf_seconds=seconds(leaf_lifetime),
                    authority_seconds=seconds(authority_lifetime),
                    settle_seconds=seconds(settle),
                ),
                self_check=self_check,
                shutdown_delay=shutdown_delay,
                drain=drain,
                connection_age=seconds(connection_age),
                log_format=log_format.value,
            )
        )
    except ValueError as error:
        fail(error)


def _policy(paths: list[Path], *, knows_labels: bool) -> "Policy":
    from webhook.admission.policy.documents import Policy, load_policy

    if not paths:
        return Policy()  # a server without files needs no YAML, which takes 1.6 MiB
    from webhook.documents.contents import read_objects

    policy = load_policy(read_objects(paths))
    if not knows_labels and (unknown := list(policy.not_judged_by_name())):
        raise ValueError("\n".join(unknown))
    return policy
