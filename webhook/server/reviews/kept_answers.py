"""Keep decisions on pods and their encoded answers, for the next replica of a pod.

Pods of one ReplicaSet differ only in names and times, which no decision reads. Rules read the name
that the author or a controller wrote, and the kinds of the owners. The key of a kept
decision is everything that the decision can read: the decoded fields of the pod, encoded again.
So a kept answer is always the answer that would be computed.
"""

import re
from typing import Final

import msgspec

from webhook.admission.admit import READ, admit
from webhook.admission.decision import Decision
from webhook.admission.policy.documents import Policy
from webhook.admission.request.annotations import PREFIX
from webhook.objects.facts import Facts
from webhook.objects.meta import Metadata
from webhook.objects.pod import Pod
from webhook.server.reviews.response import tail

_KEPT: Final = 256
"""Answers, each of 12 KB or more. Computing one again takes 0.2 ms."""
_LARGEST_KEPT: Final = 32 * 1024
"""Bytes of a review whose answer is kept."""
_SERVICE_ACCOUNT_TOKEN: Final = re.compile(
    rb'"name":"kube-api-access-[a-z0-9]{5}"'
    rb'(?=,"projected":\{\}\}|,"mountPath":"/var/run/secrets/kubernetes\.io/serviceaccount")'
)
"""The random name of a volume that every pod has, and of its mounts; never a container's name.
No decision depends on that name, nor on what is mounted there."""
_encode: Final = msgspec.json.Encoder().encode


class KeptAnswers:
    """Decisions on pods, each with the policy and the facts that it was made by."""

    def __init__(self) -> None:
        self._answers: dict[object, tuple[Policy, Facts, Decision, bytes]] = {}

    def of(self, pod: Pod, policy: Policy, facts: Facts, size: int) -> tuple[Decision, bytes]:
        """Return the decision on *pod* and the tail of its answer; the review has *size* bytes.

        A kept one is used only while *policy* and *facts* are still the same objects.
        """
        ours = tuple(
            [i for i in pod.annotations.items() if i[0].startswith(PREFIX) or i[0] in READ]
        )
        if not ours or size > _LARGEST_KEPT:
            decision = admit(pod, policy, facts)
            return decision, tail(decision)
        spec = _SERVICE_ACCOUNT_TOKEN.sub(b'"name":""', _encode(pod.spec))
        key: tuple[object, ...] = (facts.namespace, ours, spec)
        if policy.ruling:
            key += (_name_and_owners(pod),)
        kept = self._answers.get(key)
        if kept is None or kept[0] is not policy or kept[1] is not facts:
            decision = admit(pod, policy, facts)
            if kept is None and len(self._answers) >= _KEPT:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = kept = (policy, facts, decision, tail(decision))
        return kept[2], kept[3]


def _name_and_owners(pod: Pod) -> tuple[object, ...]:
    """Return what rules read of a pod's metadata: its name excuses it, its owner makes several."""
    metadata = pod.metadata or Metadata()
    owners = metadata.owner_references or ()
    return metadata.name, metadata.generate_name, tuple((o.kind, o.controller) for o in owners)
