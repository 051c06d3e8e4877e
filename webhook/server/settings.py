"""Everything that a serving process is told, read once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from webhook.admission.policy.documents import Policy
from webhook.controller.options import Options
from webhook.objects.facts import Facts
from webhook.objects.names import DEFAULT_LOADER_IMAGE

_LONGEST_NAMESPACE: Final = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options of `serve`."""

    policy: Policy = field(default_factory=Policy)
    host: str = "0.0.0.0"  # noqa: S104  # pods are called on their own address
    port: int = 8443
    health_port: int = 8080
    certificate: Path | None = None
    key: Path | None = None
    dev: bool = False
    """Whether a pair is made in memory, for development."""
    self_signed: bool = False
    """Whether the controller gives us a leaf of an authority in a Secret."""
    service: str = "modelcache-webhook"
    authority_secret: str = "modelcache-webhook-ca"  # noqa: S105  # a name
    configuration: str = "zz-modelcache"
    enforce: tuple[str, ...] = ()
    """ValidatingAdmissionPolicyBindings that deny once a replica is ready."""
    fail: bool = False
    """Whether failurePolicy is Fail once a replica is ready."""
    enforce_after: float = 30
    """Seconds that all nodes are given to route to the first replica, before either."""
    leaf_lifetime: float = 7 * 86400
    """Seconds."""
    authority_lifetime: float = 365 * 86400
    settle: float = 60
    kube_version: tuple[int, int] | None = None
    image_volumes: bool = False
    loader_image: str = DEFAULT_LOADER_IMAGE
    loader_env: Mapping[str, str] = field(default_factory=dict)
    own_namespace: str = "modelcache-system"
    self_check: bool = False
    shutdown_delay: float = 5
    """Seconds between SIGTERM and the end of listening."""
    drain: float = 10
    """Seconds that running requests may take after that."""
    connection_age: float = 40
    """Seconds after which a connection closes with its next answer, give or take a quarter."""
    log_format: str = "json"

    def controller(self) -> Options | None:
        """Return what the controller is to do, None if nothing; ValueError if it can't be done."""
        if not (self.self_signed or self.enforce or self.fail):
            return None
        options = Options(
            namespace=self.own_namespace,
            service=self.service,
            secret=self.authority_secret if self.self_signed else None,
            configuration=self.configuration,
            bindings=self.enforce,
            fail=self.fail,
            leaf_seconds=self.leaf_lifetime,
            authority_seconds=self.authority_lifetime,
            settle_seconds=self.settle,
            enforce_after_seconds=self.enforce_after,
        )
        options.lives()
        return options

    def facts(self) -> Callable[[str], Facts]:
        """Return what tells the facts of a namespace: those of the settings."""
        known: dict[str, Facts] = {}

        def facts(namespace: str) -> Facts:
            if (found := known.get(namespace)) is None:
                found = Facts(
                    namespace=namespace,
                    kube_version=self.kube_version,
                    image_volumes=self.image_volumes,
                    loader_image=self.loader_image,
                    loader_env=self.loader_env,
                )
                if len(known) < 10_000 and len(namespace) <= _LONGEST_NAMESPACE:
                    known[namespace] = found
            return found

        return facts
