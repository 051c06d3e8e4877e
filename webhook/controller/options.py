"""What the controller is told when it starts: one JSON document on its standard input."""

import datetime as dt

import msgspec

from certs.lifetime import Lives


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Names of what is ours, and lives in seconds."""

    namespace: str = "modelcache-system"
    service: str = "modelcache-webhook"
    """Our Service, and the Deployment behind it, which Events are about."""
    secret: str | None = None
    """None: certificates are somebody else's; the Secret and the bundle are not ours to touch."""
    configuration: str = "zz-modelcache"
    bindings: tuple[str, ...] = ()
    """ValidatingAdmissionPolicyBindings that are to deny once a replica is ready."""
    fail: bool = False
    """Whether failurePolicy is to be Fail once a replica is ready."""
    leaf_seconds: float = 7 * 86400
    authority_seconds: float = 365 * 86400
    settle_seconds: float = 60
    """How long every API server is given to hear of a new authority."""
    enforce_after_seconds: float = 30
    """How long every node is given to route to the first replica; timeoutSeconds come on top."""
    lasting_seconds: float = 60
    """How long a concern must last to become an Event: no installation's first seconds do."""
    again_seconds: float = 600
    """After which it is written again, if the API server has let it go meanwhile."""

    @property
    def needed(self) -> bool:
        """Whether the controller has anything to keep: certificates, bindings or failurePolicy."""
        return self.secret is not None or bool(self.bindings) or self.fail

    def lives(self) -> Lives:
        """Return the lives of certificates; ValueError if they don't fit each other."""
        return Lives(
            dt.timedelta(seconds=self.leaf_seconds), dt.timedelta(seconds=self.authority_seconds)
        )

    def hosts(self) -> tuple[str, ...]:
        """Return the names that a leaf is for: the API server asks for the first."""
        name = f"{self.service}.{self.namespace}"
        return (f"{name}.svc", f"{name}.svc.cluster.local", name)
