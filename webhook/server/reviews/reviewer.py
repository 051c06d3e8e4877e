"""One review, bytes to bytes: read, decided, answered, told."""

import time
from collections.abc import Callable

import msgspec

from webhook.admission.admit import EXCLUDED
from webhook.admission.decision import Decision, Mutate, Skip, SkipReason
from webhook.admission.policy.documents import Policy
from webhook.admission.workload import KINDS, admit_workload
from webhook.objects.facts import Facts
from webhook.objects.json_patch import BrokenPatch
from webhook.objects.meta import Metadata
from webhook.objects.pod import Pod
from webhook.objects.workload import Workload
from webhook.server.reviews.kept_answers import KeptAnswers
from webhook.server.reviews.response import head, tail
from webhook.server.reviews.review import (
    BadReview,
    Review,
    decode_pod,
    decode_workload,
    is_pod_creation,
    is_workload_change,
)
from webhook.server.reviews.self_check import Unreadable, check
from webhook.server.telemetry.decisions import Telemetry


class Admission:
    """Answers reviews for one policy."""

    def __init__(
        self,
        policy: Policy,
        facts: Callable[[str], Facts],
        telemetry: Telemetry,
        *,
        excluded: frozenset[str] = EXCLUDED,
        self_check: bool = False,
    ) -> None:
        self._policy = policy
        self._facts = facts
        self._telemetry = telemetry
        self._excluded = excluded
        self._self_check = self_check
        self._kept = KeptAnswers(policy)

    def review_pod(self, body: bytes) -> bytes:
        """Return the answer to the review of a pod; BadReview if it can't be answered."""
        started = time.perf_counter()
        review = decode_pod(body)
        request = review.request
        pod = request.object
        namespace = request.namespace or ""
        if isinstance(pod, msgspec.Raw) or not is_pod_creation(request):
            decision, made = self._skipped(SkipReason.UNEXPECTED_RESOURCE)
            metadata = None
        elif namespace in self._excluded:
            decision, made = self._skipped(SkipReason.EXCLUDED_NAMESPACE)
            metadata = pod.metadata
        else:
            metadata = pod.metadata
            decision, made = self._kept.of(pod, self._facts(namespace), namespace, len(body))
            if self._self_check and isinstance(decision, Mutate):
                self._check(body, decision)
        return self._answer(review, metadata, decision, made, started, len(body))

    def review_workload(self, body: bytes) -> bytes:
        """Return the answer to the review of a workload; BadReview if it can't be answered."""
        started = time.perf_counter()
        review = decode_workload(body)
        request = review.request
        workload = request.object
        namespace = request.namespace or ""
        metadata: Metadata | None = None
        kind = request.kind.kind
        decision: Decision
        if not isinstance(workload, Workload) or not (
            is_workload_change(request) and kind in KINDS
        ):
            decision = Skip(reason=SkipReason.UNEXPECTED_RESOURCE)
        elif namespace in self._excluded:
            decision = Skip(reason=SkipReason.EXCLUDED_NAMESPACE)
        else:
            metadata = workload.metadata
            decision = admit_workload(
                kind, request.operation, workload, self._policy, self._facts(namespace)
            )
            if self._self_check and isinstance(decision, Mutate):
                self._check(body, decision)
        return self._answer(review, metadata, decision, tail(decision), started, len(body))

    def _skipped(self, reason: SkipReason) -> tuple[Decision, bytes]:
        decision = Skip(reason=reason)
        return decision, tail(decision)

    def _check(self, body: bytes, decision: Mutate) -> None:
        try:
            check(body, decision.operations)
        except BrokenPatch:
            self._telemetry.self_check_failures.inc()
            raise
        except Unreadable as error:
            raise BadReview("the object can't be read") from error

    def _answer(  # what a line of the log is made of
        self,
        review: Review[Pod] | Review[Workload] | Review[msgspec.Raw],
        metadata: Metadata | None,
        decision: Decision,
        made: bytes,
        started: float,
        size: int,
    ) -> bytes:
        request = review.request
        name = owner = ""
        if metadata is not None:
            name = metadata.name or metadata.generate_name or ""
            owners = metadata.owner_references
            owner = f"{owners[0].kind}/{owners[0].name}" if owners else ""
        answer = head(review.api_version, request.uid) + made
        self._telemetry.decided(
            decision,
            uid=request.uid,
            namespace=request.namespace or "",
            name=request.name or name,
            owner=owner,
            operation=request.operation,
            dry_run=bool(request.dry_run),
            seconds=time.perf_counter() - started,
            size=size,
        )
        return answer
