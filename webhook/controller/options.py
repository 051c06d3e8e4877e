"""The options of the controller: one JSON document on its standard input."""

import datetime as dt

import msgspec

from certs.lifetime import Lives


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Names of our objects, and times in seconds."""

    namespace: str = "modelcache-system"
    service: str = "modelcache-webhook"
    """Our Service, and our Deployment of the same name, which Events are about."""
    secret: str | None = None
    """None: somebody else issues certificates, and we write neither Secret nor caBundle."""
    configuration: str = "zz-modelcache"
    bindings: tuple[str, ...] = ()
    """ValidatingAdmissionPolicyBindings that shall deny once a replica is ready."""
    fail: bool = False
    """Whether failurePolicy shall be Fail once a replica is ready."""
    leaf_seconds: float = 7 * 86400
    authority_seconds: float = 365 * 86400
    settle_seconds: float = 60
    """After that time, every API server knows a new authority."""
    enforce_after_seconds: float = 30
    """After that time, every node routes to the first replica; timeoutSeconds is added."""
    lasting_seconds: float = 60
    """How long a concern lasts before it becomes an Event: longer than an installation takes."""
    again_seconds: float = 600
    """Time between two writes of an Event, since the API server deletes it after a while."""

    @property
    def needed(self) -> bool:
        """Whether the controller has something to do: certificates, bindings or failurePolicy."""
        return self.secret is not None or bool(self.bindings) or self.fail

    def lives(self) -> Lives:
        """Return the lives of certificates; ValueError if they do not fit each other."""
        return Lives(
            dt.timedelta(seconds=self.leaf_seconds), dt.timedelta(seconds=self.authority_seconds)
        )

    def hosts(self) -> tuple[str, ...]:
        """Return the names in our certificate; the API server uses the first."""
        name = f"{self.service}.{self.namespace}"
        return (f"{name}.svc", f"{name}.svc.cluster.local", name)
