"""What was decided, told to operators: metrics and one log line per decision.

Labels are bounded: nothing that a pod's author writes becomes one. A line
holds names and codes, never a value of an annotation, variable or argument.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge

from webhook import __version__
from webhook.decision import Decision, Deny, Mutate, Skip, SkipReason
from webhook.tallies import Distribution, Tally

BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_SIZES: Final = (1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 12582912)
_LONGEST: Final = 256
"""Characters logged of a name; strangers may send megabytes."""
_OPERATIONS: Final = frozenset(("CREATE", "UPDATE", "DELETE", "CONNECT"))
_NOTHING_NEW: Final = (SkipReason.ALREADY_INJECTED, SkipReason.NOTHING_TO_COPY)


class DecisionLine(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The line of one decision, its fields in the order of the log."""

    uid: str
    namespace: str
    name: str
    owner: str
    operation: str
    result: str
    reason: str
    codes: list[str]
    operations: int
    dry_run: bool
    ms: float
    event: str = "decision"
    time: datetime


class Telemetry:
    """The metrics of one process, and its log of decisions."""

    def __init__(self, log: Callable[[DecisionLine], Any]) -> None:
        self.registry = registry = CollectorRegistry()
        self._log = log
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
        policy = Gauge(name + "policy_info", "1.", ("generation",), registry=registry)
        policy.labels("1").set(1)
        loaded = Gauge(
            name + "policy_last_success_timestamp_seconds",
            "When the policy was read.",
            registry=registry,
        )
        loaded.set(time.time())
        build = Gauge(name + "build_info", "1.", ("version", "python"), registry=registry)
        build.labels(__version__, sys.version.split()[0]).set(1)

    def answered(self, code: int) -> None:
        """Count an answer of the admission port."""
        self.http.count(code)

    def decided(  # the fields of one line
        self,
        decision: Decision,
        *,
        uid: str,
        namespace: str,
        name: str,
        owner: str,
        operation: str,
        dry_run: bool,
        seconds: float,
        size: int,
    ) -> None:
        """Count and log one decision."""
        result, reason, operations = _outcome(decision)
        operation = operation if operation in _OPERATIONS else "OTHER"
        self.requests.count(operation, result, reason, "true" if dry_run else "false")
        self.duration.observe(seconds)
        self.request_bytes.observe(size)
        if operations:
            self.patch_operations.observe(operations)
        problems = decision.problems if isinstance(decision, Deny) else decision.warnings
        self._log(
            DecisionLine(
                uid=uid,
                namespace=namespace[:_LONGEST],
                name=name[:_LONGEST],
                owner=owner[:_LONGEST],
                operation=operation,
                result=result,
                reason=reason,
                codes=[problem.code for problem in problems],
                operations=operations,
                dry_run=dry_run,
                ms=round(seconds * 1000, 3),
                time=datetime.now(UTC),
            )
        )


def _outcome(decision: Decision) -> tuple[str, str, int]:
    """Return result, reason and number of operations."""
    match decision:
        case Mutate():
            return "injected", decision.strategy or "copied", len(decision.operations)
        case Deny():
            return "denied", "forbidden" if decision.forbidden else "invalid", 0
        case Skip():
            noop = decision.reason in _NOTHING_NEW
            return "noop" if noop else "skipped", decision.reason.value, 0
