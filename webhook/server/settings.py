"""The options of `serve`, read once when the process starts."""

from dataclasses import dataclass, field
from pathlib import Path

from webhook.admission.policy.documents import Policy
from webhook.controller.options import Options
from webhook.objects.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a serving process is given."""

    policy: Policy = field(default_factory=Policy)
    facts: Facts = field(default_factory=Facts)
    """What is known of the cluster in every namespace."""
    host: str = ""
    """The address to listen on; empty: every address, since pods are called on their own."""
    port: int = 8443
    health_port: int = 8080
    certificate: Path | None = None
    key: Path | None = None
    dev: bool = False
    """Whether a certificate is made in memory, for development."""
    controller: Options = field(default_factory=Options)
    """The options of the controller. Pods in its namespace, the webhook's, are not injected."""
    self_check: bool = False
    shutdown_delay: float = 5
    """Seconds between SIGTERM and the end of listening."""
    drain: float = 10
    """Seconds that running requests may take after that."""
    connection_age: float = 40
    """Seconds after which a connection closes with its next answer, give or take a quarter."""
    log_format: str = "json"
