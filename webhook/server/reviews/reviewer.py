"""Answer one review, bytes to bytes: read it, decide, answer, log."""

import time
from typing import TypeAlias

import msgspec

from webhook.admission.admit import EXCLUDED
from webhook.admission.decision import Decision, Mutate, Skip, SkipReason
from webhook.admission.workload import admit_workload
from webhook.objects.json_patch import BrokenPatch
from webhook.objects.meta import Metadata
from webhook.objects.pod import Pod
from webhook.server.known_facts import Known
from webhook.server.reviews.kept_answers import KeptAnswers
from webhook.server.reviews.response import head, tail
from webhook.server.reviews.review import (
    BadReview,
    Review,
    WorkloadReview,
    decode_pod,
    decode_workload,
    is_pod_creation,
    is_workload_change,
    workload_of,
)
from webhook.server.reviews.self_check import ROOTS, Unreadable, check
from webhook.server.telemetry.decisions import Telemetry

_AnyReview: TypeAlias = Review[Pod] | Review[msgspec.Raw] | WorkloadReview


class TooEarly(Exception):
    """A claim is missing that may have been created together with the pod."""

    def __init__(self, namespace: str, claim: str) -> None:
        super().__init__(namespace, claim)
        self.namespace, self.claim = namespace, claim


class Reviewer:
    """Answers reviews by what is known."""

    def __init__(
        self,
        known: Known,
        telemetry: Telemetry,
        *,
        excluded: frozenset[str] = EXCLUDED,
        self_check: bool = False,
    ) -> None:
        self._known = known
        self._telemetry = telemetry
        self._excluded = excluded
        self._self_check = self_check
        self._kept = KeptAnswers()

    async def settled(self, early: TooEarly) -> None:
        """Wait a moment for the claim that a review misses."""
        await self._known.settled(early.namespace, early.claim)

    def review_pod(self, body: bytes, *, settled: bool = False) -> bytes:
        """Return the answer to the review of a pod; BadReview if it can't be answered.

        TooEarly if auto would pass over a claim that may come in a moment. With *settled*, that
        moment is over.
        """
        started = time.perf_counter()
        review = decode_pod(body)
        pod = review.request.object
        namespace = review.request.namespace or ""
        if isinstance(pod, msgspec.Raw) or not is_pod_creation(review.request):
            return self._skip(SkipReason.UNEXPECTED_RESOURCE, body, review, started)
        if namespace in self._excluded:
            reason = SkipReason.EXCLUDED_NAMESPACE
            return self._skip(reason, body, review, started, pod.metadata)
        known = self._known
        decision, made = self._kept.of(pod, known.policy, known.of(namespace), len(body))
        if known.changes and isinstance(decision, Mutate) and decision.missed and not settled:
            raise TooEarly(namespace, decision.missed)
        if self._self_check and isinstance(decision, Mutate):
            self._check(body, decision, ROOTS)
        return self._answer(decision, made, body, review, started, pod.metadata)

    def review_workload(self, body: bytes, *, settled: bool = False) -> bytes:  # noqa: ARG002
        """Return the answer to the review of a workload; BadReview if it can't be answered."""
        started = time.perf_counter()
        review = decode_workload(body)
        namespace = review.request.namespace or ""
        if not is_workload_change(review.request):
            return self._skip(SkipReason.UNEXPECTED_RESOURCE, body, review, started)
        if namespace in self._excluded:
            return self._skip(SkipReason.EXCLUDED_NAMESPACE, body, review, started)
        kind, workload, change = workload_of(review.request)
        known = self._known
        decision = admit_workload(kind, workload, change, known.policy, known.of(namespace))
        if self._self_check and isinstance(decision, Mutate):
            own = "/metadata/annotations"
            self._check(body, decision, (own, *(part.grows_at for part in workload.templates)))
        return self._answer(decision, tail(decision), body, review, started, workload.metadata)

    def _skip(
        self,
        reason: SkipReason,
        body: bytes,
        review: _AnyReview,
        started: float,
        metadata: Metadata | None = None,
    ) -> bytes:
        decision = Skip(reason=reason)
        return self._answer(decision, tail(decision), body, review, started, metadata)

    def _check(self, body: bytes, decision: Mutate, roots: tuple[str, ...]) -> None:
        try:
            check(body, decision.operations, roots)
        except BrokenPatch:
            self._telemetry.self_check_failures.inc()
            raise
        except Unreadable as error:
            raise BadReview("the object can't be decoded") from error

    def _answer(
        self,
        decision: Decision,
        made: bytes,
        body: bytes,
        review: _AnyReview,
        started: float,
        metadata: Metadata | None,
    ) -> bytes:
        """Log and count the decision; return the answer, which ends with *made*."""
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
            workload=decision.findings != () and isinstance(review, WorkloadReview),
            seconds=time.perf_counter() - started,
            size=len(body),
        )
        return answer
