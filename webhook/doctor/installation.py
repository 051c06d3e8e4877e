"""What the registration leads to: the Service that is called, its replicas, their Deployment."""

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
"""The entries of the configuration: what pods are sent to, and what workloads are."""
LABEL: Final = "modelcache.io/admission"
"""What leaves a namespace out, where its value is DISABLED."""
DISABLED: Final = "disabled"
_VERSION: Final = re.compile(r"--kube-version[= ]v?(\d+)\.(\d+)")
_DEFAULT_SERVICE: Final = "modelcache-webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Where to look, as the options say it."""

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
        """The name that the served certificate must bear (apiserver pkg/util/webhook/client.go)."""
        return f"{self.name}.{self.namespace}.svc"


class Installation:
    """An installation, read as far as checks ask, and each object once."""

    def __init__(self, api: Api, names: Names) -> None:
        self.api = api
        self.names = names

    @cached_property
    def version(self) -> Answer:
        """What the API server says of itself; Unreachable if that is no API server's answer."""
        found = self.api.request("GET", "/version", {})
        if not {"gitVersion", "major", "minor"} <= found.json().keys():
            raise Unreachable("its answer names no version")
        return found

    @property
    def minor(self) -> tuple[int, int]:
        """Its version: (1, 37)."""
        body = self.version.json()
        return int(body["major"]), int("".join(filter(str.isdigit, body["minor"])))

    def now(self) -> datetime:
        """Return the API server's time, by which it judges certificates."""
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
        """Return what the API server trusts of an entry, PEM; empty where it says nothing."""
        found = self.webhook(name)
        return base64.b64decode(found["clientConfig"].get("caBundle") or "") if found else b""

    @property
    def _pods(self) -> Json:
        """The entry that pods are sent to; empty where it is not there, or may not be read."""
        try:
            return self.webhook(WEBHOOKS[0]) or {}
        except (Missing, Forbidden):
            return {}

    @property
    def failure_policy(self) -> str:
        """What becomes of a pod while we do not answer: Ignore, or Fail."""
        return str(self._pods.get("failurePolicy", "Ignore"))

    @property
    def called(self) -> Called:
        """The Service that the API server calls; where that is not known, the one of deploy/."""
        service = self._pods.get("clientConfig", {}).get("service")
        if not service:
            return Called(self.names.namespace, _DEFAULT_SERVICE, 443)
        return Called(service["namespace"], service["name"], service.get("port", 443))

    @property
    def url(self) -> str:
        """What the API server calls in place of a Service; empty where it does not."""
        return str(self._pods.get("clientConfig", {}).get("url") or "")

    @cached_property
    def service(self) -> Json:
        """The object of that Service."""
        called = self.called
        return self.api.get("api", "v1", "namespaces", called.namespace, "services", called.name)

    @property
    def labels(self) -> dict[str, str]:
        """Those by which the Service selects replicas; empty if there is no Service."""
        try:
            return self.service["spec"].get("selector") or {}
        except Missing:
            return {}

    @property
    def selector(self) -> str:
        """The same as a label selector."""
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
        """What `serve` is told by the Deployment; empty where there is none."""
        return [
            word
            for one in self.deployments
            for word in container_of(one["spec"]["template"]["spec"]).get("args") or []
        ]

    @property
    def told_version(self) -> tuple[int, int] | None:
        """The API server's version as `serve` is told; None where it is not."""
        told = _VERSION.search(" ".join(self.arguments))
        return (int(told[1]), int(told[2])) if told else None

    @cached_property
    def replicas(self) -> list[Json]:
        """The pods that the Service selects and that are not about to end."""
        if not self.labels:
            return []
        pods = self.api.items(
            *("api", "v1", "namespaces", self.called.namespace, "pods"),
            labelSelector=self.selector,
        )
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    @property
    def running(self) -> list[Json]:
        """Those whose containers have been started."""
        return [pod for pod in self.replicas if pod["status"].get("phase") == "Running"]


def container_of(pod_spec: Json) -> Json:
    """Return the container that serves: the one with a port named https, else the first."""
    containers: list[Json] = pod_spec["containers"]
    return next((one for one in containers if port_of(one, "https")), containers[0])


def port_of(container: Json, name: str) -> int:
    """Return the port of *container* that has a name; 0 where none has."""
    ports = container.get("ports") or []
    return next((int(one["containerPort"]) for one in ports if one.get("name") == name), 0)


def is_ready(pod: Json) -> bool:
    """Whether the kubelet says that *pod* is ready."""
    conditions = pod.get("status", {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
