"""The metrics of one process.

Labels are bounded: nothing that a pod's author writes becomes one.
"""

import sys
import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

from webhook import __version__
from webhook.server.telemetry.tallies import Distribution, Tally

BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_SIZES: Final = (1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 12582912)


class Metrics:
    """Their declarations, in the order of the page."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        name = "modelcache_"
        self.requests = Tally(
            name + "admission_requests",
            "Reviews by what became of them.",
            ("operation", "result", "reason", "dry_run"),
            registry,
        )
        self.duration = Distribution(
            name + "admission_duration_seconds",
            "Seconds from the last byte of a review to its answer.",
            BUCKETS,
            registry,
        )
        self.in_flight = Gauge(
            name + "admission_in_flight", "Reviews being read or decided.", registry=registry
        )
        self.shed = Counter(
            name + "admission_shed", "Reviews answered 429 for overload.", registry=registry
        )
        self.http = Tally(
            name + "http_requests",
            "Answers of the admission port by status code.",
            ("code",),
            registry,
        )
        self.connections = Gauge(
            name + "http_connections",
            "Connections that are open now, on the port for reviews (admission) and on that for "
            "probes.",
            ("port",),
            registry=registry,
        )
        self.handshakes = Gauge(
            name + "http_handshakes",
            "Connections of the admission port whose TLS handshake goes on.",
            registry=registry,
        )
        self.tasks = Gauge(
            name + "asyncio_tasks",
            "Tasks of the event loop that are not done: a few for good, one for each handshake.",
            registry=registry,
        )
        self.connections_dropped = Counter(
            name + "http_connections_dropped",
            "Connections ended to make room for others.",
            registry=registry,
        )
        self.accept_failures = Counter(
            name + "http_accept_failures",
            "Times that no connection could be taken: no descriptor, or no memory.",
            registry=registry,
        )
        self.request_bytes = Distribution(
            name + "admission_request_bytes",
            "Bytes of a review.",
            _SIZES,
            registry,
        )
        self.patch_operations = Distribution(
            name + "admission_patch_operations",
            "Operations of a patch.",
            (1, 2, 5, 10, 20, 50),
            registry,
        )
        self.panics = Counter(
            name + "admission_panics", "Reviews answered 500: a fault of ours.", registry=registry
        )
        self.self_check_failures = Counter(
            name + "self_check_failures",
            "Patches that the self-check kept from leaving.",
            registry=registry,
        )
        self.timeouts = Counter(
            name + "http_read_timeouts",
            "Connections closed because a request did not arrive in time.",
            registry=registry,
        )
        self.certificate_end = Gauge(
            name + "certificate_not_after_timestamp_seconds",
            "When the certificate that is served expires (leaf), the authority that signed it, and "
            "the one that will sign next (upcoming), if there is one.",
            ("kind",),
            registry=registry,
        )
        self.certificate_reloads = Counter(
            name + "certificate_reloads",
            "Certificates that were to be served: ok, or refused with an error.",
            ("result",),
            registry=registry,
        )
        self.ca_bundle_patches = Counter(
            name + "ca_bundle_patches",
            "Attempts to write the CA bundle of the registration.",
            ("result",),
            registry=registry,
        )
        self.ca_bundle_authorities = Gauge(
            name + "ca_bundle_authorities",
            "Authorities that the CA bundle should hold: more than 1 while one follows another, 0 "
            "where it is not ours.",
            registry=registry,
        )
        self.concerns = Gauge(
            name + "concerns",
            "1 while the controller has something of this topic that somebody should mend; /readyz "
            "says what.",
            ("topic",),
            registry=registry,
        )
        self.controller_up = Gauge(
            name + "controller_up",
            "1 while the controller runs and the API server answers it.",
            registry=registry,
        )
        self.controller_restarts = Counter(
            name + "controller_restarts", "Times that the controller ended.", registry=registry
        )
        self.enforcing = Gauge(
            name + "enforcing", "1 while what we missed is refused.", registry=registry
        )
        self.ready = Gauge(name + "ready", "1 while /readyz says 200.", registry=registry)
        self.policy = Gauge(
            name + "policy_info",
            "1; generation is a digest of the documents of --policy, or none.",
            ("generation",),
            registry=registry,
        )
        loaded = Gauge(
            name + "policy_last_success_timestamp_seconds",
            "When the policy was read.",
            registry=registry,
        )
        loaded.set(time.time())
        build = Gauge(name + "build_info", "1.", ("version", "python"), registry=registry)
        build.labels(__version__, sys.version.split()[0]).set(1)
        self.controller_pid = 0
        """The process of the controller; 0 while there is none, and so no series of it."""
        ProcessCollector(registry=registry)
        ProcessCollector(name + "controller", lambda: self.controller_pid, registry=registry)
