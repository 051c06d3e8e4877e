"""Declare the metrics of the process: add a new one here, to its group.

The values of labels are bounded: no text that a pod's author writes becomes one.
"""

import sys
import time
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

from webhook import __version__
from webhook.server.telemetry.tallies import Distribution, Tally

_PREFIX: Final = "modelcache_"
BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_SIZES: Final = (1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 12582912)


class Metrics:
    """Each metric is an attribute; /metrics lists them in the order of their groups."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._generation = ""
        self._admission()
        self._http()
        self._certificates()
        self._controller()
        self._facts()
        self._process()

    def _admission(self) -> None:
        self.requests = self._tally(
            "admission_requests",
            "Reviews, by what was decided.",
            ("operation", "result", "reason", "dry_run"),
        )
        self.models = self._tally(
            "admission_models",
            "Models of injected containers, by how the container reads them.",
            ("outcome",),
        )
        self.rule_findings = self._tally(
            "rule_findings",
            "Findings of the rules of CachePolicies, by what they were found in: pod or workload.",
            ("rule", "mode", "subject", "dry_run"),
        )
        self.duration = self._distribution(
            "admission_duration_seconds",
            "Seconds from the last byte of a review to its answer.",
            BUCKETS,
        )
        self.request_bytes = self._distribution(
            "admission_request_bytes", "Bytes of a review.", _SIZES
        )
        self.patch_operations = self._distribution(
            "admission_patch_operations", "Operations of a patch.", (1, 2, 5, 10, 20, 50)
        )
        self.in_flight = self._gauge("admission_in_flight", "Reviews being read or decided.")
        self.shed = self._counter("admission_shed", "Reviews answered 429 because of overload.")
        self.panics = self._counter(
            "admission_panics", "Reviews answered 500 because of a fault of the webhook."
        )
        self.self_check_failures = self._counter(
            "self_check_failures", "Patches that failed the self-check and were not sent."
        )

    def _http(self) -> None:
        self.http = self._tally(
            "http_requests", "Answers of the admission port, by status code.", ("code",)
        )
        self.connections = self._gauge(
            "http_connections",
            "Open connections, to the port for reviews (admission) and to the port for probes "
            "(probes).",
            ("port",),
        )
        self.handshakes = self._gauge(
            "http_handshakes",
            "Connections to the admission port whose TLS handshake is not complete.",
        )
        self.connections_dropped = self._counter(
            "http_connections_dropped", "Connections ended to make room for others."
        )
        self.accept_failures = self._counter(
            "http_accept_failures",
            "Times that no connection could be accepted for lack of descriptors or memory.",
        )
        self.timeouts = self._counter(
            "http_read_timeouts",
            "Connections closed because a request did not arrive in time.",
        )
        self.tasks = self._gauge(
            "asyncio_tasks",
            "Unfinished tasks of the event loop: a few permanent ones, and one for each handshake.",
        )

    def _certificates(self) -> None:
        self.certificate_end = self._gauge(
            "certificate_not_after_timestamp_seconds",
            "When certificates expire: the one that is served (leaf), the authority that signed it "
            "(authority), and the authority that will sign next (upcoming), if there is one.",
            ("kind",),
        )
        self.certificate_reloads = self._counter(
            "certificate_reloads",
            "New certificates, by whether they are served (ok) or were refused (error).",
            ("result",),
        )
        self.ca_bundle_patches = self._counter(
            "ca_bundle_patches",
            "Attempts to write the CA bundle of the registration, by result.",
            ("result",),
        )
        self.ca_bundle_authorities = self._gauge(
            "ca_bundle_authorities",
            "Authorities that the CA bundle should hold: more than 1 while one replaces another, "
            "0 if the controller does not write the bundle.",
        )

    def _controller(self) -> None:
        self.concerns = self._gauge(
            "concerns",
            "1 while the controller reports a problem of this topic that someone should fix; "
            "/readyz says which.",
            ("topic",),
        )
        self.controller_up = self._gauge(
            "controller_up", "1 while the controller runs and the API server answers it."
        )
        self.controller_restarts = self._counter(
            "controller_restarts", "Times that the controller ended."
        )
        self.enforcing = self._gauge(
            "enforcing", "1 while pods that the webhook missed are refused."
        )
        self.controller_pid = 0
        """The controller's process; 0 while there is none, so that there are no series of it."""

    def _facts(self) -> None:
        self.facts_live = self._gauge(
            "facts_live",
            "1 while the watch of a kind lives. Otherwise it is not known, and refuses no pod.",
            ("kind",),
        )
        self.facts_age = self._gauge(
            "facts_age_seconds",
            "Seconds between the last thing that the API server said of a kind and the "
            "controller's last report.",
            ("kind",),
        )
        self.facts_objects = self._gauge(
            "facts_objects", "Objects of a kind that are known.", ("kind",)
        )
        self.facts_relists = self._counter(
            "facts_relists", "Times that a kind was listed again, by reason.", ("kind", "reason")
        )

    def policy_is(self, generation: str) -> None:
        """Take the digest of the policy that is used from now on."""
        if generation != self._generation:
            if self._generation:
                self.policy.remove(self._generation)
            self._generation = generation
            self.policy.labels(generation).set(1)
            self._policy_read.set(time.time())

    def _process(self) -> None:
        self.ready = self._gauge("ready", "1 while /readyz answers 200.")
        self.policy = self._gauge(
            "policy_info",
            "Always 1; generation is a digest of all CachedModels and CachePolicies, or none.",
            ("generation",),
        )
        self._policy_read: Gauge = self._gauge(
            "policy_last_success_timestamp_seconds", "When the policy was read, or last changed."
        )
        build = self._gauge(
            "build_info", "Always 1; the versions of the webhook and Python.", ("version", "python")
        )
        build.labels(__version__, sys.version.split()[0]).set(1)
        ProcessCollector(registry=self.registry)
        ProcessCollector(
            _PREFIX + "controller", lambda: self.controller_pid, registry=self.registry
        )

    def _counter(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(_PREFIX + name, documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(_PREFIX + name, documentation, labels, registry=self.registry)

    def _tally(self, name: str, documentation: str, labels: Sequence[str]) -> Tally:
        return Tally(_PREFIX + name, documentation, labels, self.registry)

    def _distribution(self, name: str, documentation: str, bounds: Sequence[float]) -> Distribution:
        return Distribution(_PREFIX + name, documentation, bounds, self.registry)
