"""modelcache serve: its options."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from webhook.cli.exit_status import fail
from webhook.cli.options import (
    ImageVolumes,
    KubeVersion,
    LoaderEnv,
    LoaderImage,
    Policies,
    variables,
    version_number,
)

if TYPE_CHECKING:
    from webhook.admission.policy.documents import Policy

app = typer.Typer()
OLDEST: Final = (1, 28)
"""Match conditions are on from here (KEP-3716); before, every pod would be sent to us."""


class LogFormat(StrEnum):
    """How serve writes its log."""

    JSON = "json"
    TEXT = "text"


class FailurePolicy(StrEnum):
    """What the API server does where it can't ask us."""

    IGNORE = "Ignore"
    FAIL = "Fail"


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
    self_signed: Annotated[
        bool,
        typer.Option(
            "--self-signed",
            help="Keep an authority in a Secret, and the CA bundle of the registration.",
        ),
    ] = False,
    service: Annotated[
        str,
        typer.Option(
            help="Our Service, which the certificate of --self-signed is for, and the Deployment "
            "behind it, which Events are about."
        ),
    ] = "modelcache-webhook",
    authority_secret: Annotated[
        str, typer.Option(help="The Secret of --self-signed, in --own-namespace.")
    ] = "modelcache-webhook-ca",  # noqa: S107  # a name
    configuration: Annotated[
        str, typer.Option(help="Our MutatingWebhookConfiguration.")
    ] = "zz-modelcache",
    enforce: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BINDING",
            help="A ValidatingAdmissionPolicyBinding that is to deny once a replica is ready; "
            "repeatable.",
            show_default=False,
        ),
    ] = None,
    failure_policy: Annotated[
        FailurePolicy, typer.Option(help="Fail: set in --configuration once a replica is ready.")
    ] = FailurePolicy.IGNORE,
    enforce_after: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="How long after its first replica is ready nodes may take to route to it; then, "
            "and after timeoutSeconds, --enforce and --failure-policy=Fail take effect.",
        ),
    ] = "30s",
    leaf_lifetime: Annotated[
        str, typer.Option(metavar="DURATION", help="Of a replica's certificate.")
    ] = "168h",
    authority_lifetime: Annotated[
        str, typer.Option(metavar="DURATION", help="Of the authority that signs it.")
    ] = "8760h",
    settle: Annotated[
        str,
        typer.Option(
            metavar="DURATION", help="How long a new authority is trusted before it signs."
        ),
    ] = "60s",
    policy: Policies = None,
    kube_version: KubeVersion = None,
    image_volumes: ImageVolumes = False,
    loader_image: LoaderImage = None,
    loader_env: LoaderEnv = None,
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
    connection_age: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="After which a connection closes with its next answer, so that clients find "
            "replicas that are new; 0s: with each.",
        ),
    ] = "40s",
    log_format: Annotated[LogFormat, typer.Option(help="One line per event.")] = LogFormat.JSON,
) -> None:
    """Run the webhook."""
    from webhook.controller.options import Options
    from webhook.objects.facts import Facts
    from webhook.objects.names import DEFAULT_LOADER_IMAGE
    from webhook.server.process import serve as run
    from webhook.server.settings import Settings
    from webhook.values.duration import seconds

    if [dev, bool(cert or key), self_signed].count(True) != 1 or bool(cert) != bool(key):
        fail("give one of --self-signed, --cert with --key, or --dev for one made in memory")
    version = version_number(kube_version) if kube_version else None
    if version and version < OLDEST:
        fail(f"--kube-version: {kube_version}: must be 1.28 or later, which keeps matchConditions")
    try:
        run(
            Settings(
                policy=_policy(policy or []),
                facts=Facts(
                    kube_version=version,
                    image_volumes=image_volumes,
                    loader_image=loader_image or DEFAULT_LOADER_IMAGE,
                    loader_env=variables(loader_env) if loader_env else {},
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


def _policy(paths: list[Path]) -> "Policy":
    from webhook.admission.policy.documents import Policy, load_policy

    if not paths:
        return Policy()  # a server without files needs no YAML, which takes 1.6 MiB
    from webhook.documents.contents import read_objects

    return load_policy(read_objects(paths))
