"""The options of the controller: it reads them from standard input, as one JSON document."""

import datetime as dt

import msgspec

from certs.lifetime import Lives


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Names of the webhook's objects, and times in seconds."""

    namespace: str = "modelcache-system"
    service: str = "modelcache-webhook"
    """The webhook's Service, and the Deployment of the same name, which Events are about."""
    secret: str | None = None
    """The Secret of the authority; None: someone else makes certificates and writes the CA
    bundle."""
    configuration: str = "zz-modelcache"
    bindings: tuple[str, ...] = ()
    """ValidatingAdmissionPolicyBindings that must deny once a replica is ready."""
    fail: bool = False
    """Whether failurePolicy must be Fail once a replica is ready."""
    leaf_seconds: float = 7 * 86400
    authority_seconds: float = 365 * 86400
    settle_seconds: float = 60
    """How long API servers may take to trust a new authority."""
    enforce_after_seconds: float = 30
    """How long nodes may take to route to the first replica; timeoutSeconds are added to it."""
    lasting_seconds: float = 60
    """How long a concern must last to become an Event, so that an installation's first seconds
    cause none."""
    again_seconds: float = 600
    """After this time the Event is written again, if the API server has deleted it."""

    facts: bool = False
    """Whether the webhook's own kinds, namespaces, claims and quotas are watched for reviews."""
    node_facts: bool = True
    """Whether nodes are watched too, if facts are."""

    @property
    def needed(self) -> bool:
        """Whether the controller has anything to do."""
        return self.secret is not None or bool(self.bindings) or self.fail or self.facts

    def lives(self) -> Lives:
        """Return the lifetimes of certificates; ValueError if they contradict each other."""
        return Lives(
            dt.timedelta(seconds=self.leaf_seconds), dt.timedelta(seconds=self.authority_seconds)
        )

    def hosts(self) -> tuple[str, ...]:
        """Return the DNS names for which a leaf is made; the API server uses the first."""
        name = f"{self.service}.{self.namespace}"
        return (f"{name}.svc", f"{name}.svc.cluster.local", name)
