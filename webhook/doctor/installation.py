"""Read an installation: the registration, the Service that it calls, Deployment, replicas."""

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from webhook.api_server.answer import Answer
from webhook.api_server.client import Api
from webhook.api_server.errors import Forbidden, Missing, Unreachable
from webhook.objects.json import Json

ADMISSION: Final = ("apis", "admissionregistration.k8s.io", "v1")
WEBHOOKS: Final = ("inject.modelcache.io", "workloads.modelcache.io")
"""The entries of the configuration, for pods and for workloads."""
_VERSION: Final = re.compile(r"--kube-version[= ]v?(\d+)\.(\d+)")
_DEFAULT_SERVICE: Final = "modelcache-webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Where to look: the options of the command."""

    namespace: str = "modelcache-system"
    configuration: str = "zz-modelcache"
    probe_namespace: str = "default"


@dataclass(frozen=True, slots=True)
class Called:
    """The Service that the API server calls."""

    namespace: str
    name: str
    port: int

    @property
    def host(self) -> str:
        """The name that the served certificate must have (apiserver pkg/util/webhook/client.go)."""
        return f"{self.name}.{self.namespace}.svc"


class Installation:
    """An installation: each object is read when a check needs it, and once."""

    def __init__(self, api: Api, names: Names) -> None:
        self.api = api
        self.names = names

    @cached_property
    def version(self) -> Answer:
        """The API server's version; Unreachable if the answer is not an API server's."""
        found = self.api.request("GET", "/version", {})
        if not {"gitVersion", "major", "minor"} <= found.json().keys():
            raise Unreachable("its answer has no version")
        return found

    @property
    def minor(self) -> tuple[int, int]:
        """Its version: (1, 37)."""
        body = self.version.json()
        return int(body["major"]), int("".join(filter(str.isdigit, body["minor"])))

    def now(self) -> datetime:
        """Return the API server's time, which decides whether certificates are valid."""
        return datetime.now(UTC) + self.clock_ahead

    @property
    def clock_ahead(self) -> timedelta:
        """How much the API server's clock is ahead of ours."""
        theirs = self.version.server_time
        return theirs - self.version.our_time if theirs else timedelta()

    @cached_property
    def configuration(self) -> Json:
        """The MutatingWebhookConfiguration."""
        return self.api.get(*ADMISSION, "mutatingwebhookconfigurations", self.names.configuration)

    def webhook(self, name: str) -> Json | None:
        """Return an entry of the configuration."""
        entries = self.configuration.get("webhooks") or []
        return next((one for one in entries if one["name"] == name), None)

    def bundle(self, name: str) -> bytes:
        """Return the caBundle of an entry, PEM; empty if there is none."""
        found = self.webhook(name)
        return base64.b64decode(found["clientConfig"].get("caBundle") or "") if found else b""

    @property
    def _pods(self) -> Json:
        """The entry for pods; empty if it does not exist, or if we lack the right to read it."""
        try:
            return self.webhook(WEBHOOKS[0]) or {}
        except (Missing, Forbidden):
            return {}

    @property
    def failure_policy(self) -> str:
        """What happens to a pod while the webhook does not answer: Ignore, or Fail."""
        return str(self._pods.get("failurePolicy", "Ignore"))

    @property
    def called(self) -> Called:
        """The Service that the API server calls; if that is not known, the one of deploy/."""
        service = self._pods.get("clientConfig", {}).get("service")
        if not service:
            return Called(self.names.namespace, _DEFAULT_SERVICE, 443)
        return Called(service["namespace"], service["name"], service.get("port", 443))

    @property
    def url(self) -> str:
        """The URL that the API server calls; empty if it calls a Service."""
        return str(self._pods.get("clientConfig", {}).get("url") or "")

    @cached_property
    def service(self) -> Json:
        """The Service that the API server calls, as an object."""
        called = self.called
        return self.api.get("api", "v1", "namespaces", called.namespace, "services", called.name)

    @property
    def labels(self) -> dict[str, str]:
        """The labels by which the Service selects replicas; empty if there is no Service."""
        try:
            return self.service["spec"].get("selector") or {}
        except Missing:
            return {}

    @property
    def selector(self) -> str:
        """The labels as a label selector."""
        return ",".join(f"{key}={value}" for key, value in self.labels.items())

    @cached_property
    def deployments(self) -> list[Json]:
        """The Deployments whose pods the Service selects."""
        if not (wanted := self.labels.items()):
            return []
        namespace = self.called.namespace
        found = self.api.items("apis", "apps", "v1", "namespaces", namespace, "deployments")
        return [
            one
            for one in found
            if wanted <= (one["spec"]["template"]["metadata"].get("labels") or {}).items()
        ]

    @property
    def arguments(self) -> list[str]:
        """The arguments of `serve` in the Deployment; empty if there is no Deployment."""
        return [
            word
            for one in self.deployments
            for word in container_of(one["spec"]["template"]["spec"]).get("args") or []
        ]

    @property
    def kube_version(self) -> tuple[int, int] | None:
        """The value of --kube-version in the Deployment; None if it is not given."""
        given = _VERSION.search(" ".join(self.arguments))
        return (int(given[1]), int(given[2])) if given else None

    @cached_property
    def replicas(self) -> list[Json]:
        """The pods that the Service selects, except those that are being deleted."""
        if not self.labels:
            return []
        pods = self.api.items(
            *("api", "v1", "namespaces", self.called.namespace, "pods"),
            labelSelector=self.selector,
        )
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    @property
    def running(self) -> list[Json]:
        """The replicas whose containers have started."""
        return [pod for pod in self.replicas if pod["status"].get("phase") == "Running"]


def container_of(pod_spec: Json) -> Json:
    """Return the webhook's container: the one with a port named https, else the first."""
    containers: list[Json] = pod_spec["containers"]
    return next((one for one in containers if port_of(one, "https")), containers[0])


def port_of(container: Json, name: str) -> int:
    """Return the port of *container* with that name; 0 if there is none."""
    ports = container.get("ports") or []
    return next((int(one["containerPort"]) for one in ports if one.get("name") == name), 0)


def is_ready(pod: Json) -> bool:
    """Whether the kubelet says that *pod* is ready."""
    conditions = pod.get("status", {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
