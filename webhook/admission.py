"""One review, bytes to bytes, with the decisions that were made before.

Pods of one ReplicaSet differ only in names and times, which no decision reads.
So a decision is kept under what it was made of: the fields of the pod that are
decoded at all, re-encoded. A kept answer is right by construction.
"""

import re
import time
from collections.abc import Callable
from typing import Final

import msgspec

from webhook import wire
from webhook.admit import MIRROR, admit
from webhook.annotations import PREFIX
from webhook.decision import Decision, Mutate, Skip, SkipReason
from webhook.facts import Facts
from webhook.objects import Metadata, Pod, Workload
from webhook.policy import Policy
from webhook.self_check import BrokenPatch, Unreadable, check
from webhook.telemetry import Telemetry
from webhook.workload import KINDS, admit_workload

EXCLUDED: Final = frozenset(("kube-system", "kube-public", "kube-node-lease"))
_KEPT: Final = 256
"""Answers, each of 12 KB and more. One that is not kept costs a fifth of a millisecond."""
_LARGEST_KEPT: Final = 32 * 1024
"""Bytes of a review whose answer is kept."""
_SERVICE_ACCOUNT_TOKEN: Final = re.compile(
    rb'"name":"kube-api-access-[a-z0-9]{5}"'
    rb'(?=\}|,"mountPath":"/var/run/secrets/kubernetes\.io/serviceaccount")'
)
"""The one random name in every pod, of a volume and its mounts; no container is meant.
No decision depends on a volume that is not ours."""
_encode: Final = msgspec.json.Encoder().encode


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
        self._answers: dict[object, tuple[Decision, bytes]] = {}

    def review_pod(self, body: bytes) -> bytes:
        """Return the answer to the review of a pod; BadReview if it can't be answered."""
        started = time.perf_counter()
        review = wire.decode_pod(body)
        request = review.request
        pod = request.object
        namespace = request.namespace or ""
        if isinstance(pod, msgspec.Raw) or not wire.is_pod_creation(request):
            decision, tail = self._skipped(SkipReason.UNEXPECTED_RESOURCE)
            metadata = None
        elif namespace in self._excluded:
            decision, tail = self._skipped(SkipReason.EXCLUDED_NAMESPACE)
            metadata = pod.metadata
        else:
            metadata = pod.metadata
            decision, tail = self._pod(pod, namespace, len(body))
            if self._self_check and isinstance(decision, Mutate):
                self._check(body, decision)
        return self._answer(review, metadata, decision, tail, started, len(body))

    def review_workload(self, body: bytes) -> bytes:
        """Return the answer to the review of a workload; BadReview if it can't be answered."""
        started = time.perf_counter()
        review = wire.decode_workload(body)
        request = review.request
        workload = request.object
        namespace = request.namespace or ""
        metadata: Metadata | None = None
        kind = request.kind.kind
        decision: Decision
        if not isinstance(workload, Workload) or not (
            wire.is_workload_change(request) and kind in KINDS
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
        return self._answer(review, metadata, decision, wire.tail(decision), started, len(body))

    def _pod(self, pod: Pod, namespace: str, size: int) -> tuple[Decision, bytes]:
        facts = self._facts(namespace)
        ours = tuple(
            [i for i in pod.annotations.items() if i[0].startswith(PREFIX) or i[0] == MIRROR]
        )
        if not ours or size > _LARGEST_KEPT:
            decision = admit(pod, self._policy, facts)
            return decision, wire.tail(decision)
        key = (namespace, ours, _SERVICE_ACCOUNT_TOKEN.sub(b'"name":""', _encode(pod.spec)))
        if (kept := self._answers.get(key)) is None:
            decision = admit(pod, self._policy, facts)
            kept = decision, wire.tail(decision)
            if len(self._answers) >= _KEPT:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = kept
        return kept

    def _skipped(self, reason: SkipReason) -> tuple[Decision, bytes]:
        decision = Skip(reason=reason)
        return decision, wire.tail(decision)

    def _check(self, body: bytes, decision: Mutate) -> None:
        try:
            check(body, decision.operations)
        except BrokenPatch:
            self._telemetry.self_check_failures.inc()
            raise
        except Unreadable as error:
            raise wire.BadReview("the object can't be read") from error

    def _answer(  # what a line of the log is made of
        self,
        review: wire.Review[Pod] | wire.Review[Workload] | wire.Review[msgspec.Raw],
        metadata: Metadata | None,
        decision: Decision,
        tail: bytes,
        started: float,
        size: int,
    ) -> bytes:
        request = review.request
        name = owner = ""
        if metadata is not None:
            name = metadata.name or metadata.generate_name or ""
            owners = metadata.owner_references
            owner = f"{owners[0].kind}/{owners[0].name}" if owners else ""
        answer = wire.head(review.api_version, request.uid) + tail
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
