"""Decisions on pods, and the bytes made of them, kept for the next replica.

Pods of one ReplicaSet differ only in names and times, which no decision reads.
So a decision is kept under what it was made of: the fields of the pod that are
decoded at all, re-encoded. A kept answer is right by construction.
"""

import re
from typing import Final

import msgspec

from webhook.admission.admit import MIRROR, admit
from webhook.admission.decision import Decision
from webhook.admission.policy.documents import Policy
from webhook.admission.request.annotations import PREFIX
from webhook.objects.facts import Facts
from webhook.objects.pod import Pod
from webhook.server.reviews.response import tail

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


class KeptAnswers:
    """What one policy decides on pods."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._answers: dict[object, tuple[Decision, bytes]] = {}

    def of(self, pod: Pod, facts: Facts, namespace: str, size: int) -> tuple[Decision, bytes]:
        """Return the decision on *pod*, of a review of *size* bytes, and the tail of its answer."""
        ours = tuple(
            [i for i in pod.annotations.items() if i[0].startswith(PREFIX) or i[0] == MIRROR]
        )
        if not ours or size > _LARGEST_KEPT:
            decision = admit(pod, self._policy, facts)
            return decision, tail(decision)
        key = (namespace, ours, _SERVICE_ACCOUNT_TOKEN.sub(b'"name":""', _encode(pod.spec)))
        if (kept := self._answers.get(key)) is None:
            decision = admit(pod, self._policy, facts)
            kept = decision, tail(decision)
            if len(self._answers) >= _KEPT:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = kept
        return kept
