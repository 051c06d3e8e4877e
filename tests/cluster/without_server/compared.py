"""Give a pod to the admission policies and to the webhook, and compare what it becomes.

The API server defaults the pod before either sees it, and judges both results. A namespace that
opts out of admission shows the pod as neither has seen it.
"""

import copy
import dataclasses
import itertools
import os
from collections.abc import Mapping
from typing import Any, Final

from tests.admission.admitting import Webhook
from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import create_namespace
from webhook.admission.policy.documents import Policy
from webhook.objects.facts import Facts

VERSION: Final = (1, 37)
DISABLED: Final = {"modelcache.io/admission": "disabled"}
BEGINS: Final = "modelcache.io/model: the admission policies gave this pod no model: "
ENDS: Final = ". Without these changes, the pod needs the modelcache webhook"
_numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compared:
    """What became of one pod."""

    answer: Answer
    """That of the API server with the policies."""
    warnings: list[str]
    """What the webhook says."""
    by_policies: Any
    """Annotations and spec of the pod with the policies; None if it is refused."""
    by_webhook: Any

    @property
    def admitted(self) -> bool:
        return self.answer.ok

    @property
    def said(self) -> list[str]:
        """What the policies warn of."""
        return [text for text in self.answer.warnings if "ValidatingAdmissionPolicy" in text]

    @property
    def reasons(self) -> str:
        """Why the policies refuse the pod, in their words."""
        return reasons_of(self.answer)


def reasons_of(answer: Answer) -> str:
    """Return why the policies refuse a pod, in their words."""
    _, begins, text = answer.message.partition(BEGINS)
    assert begins, f"not refused by the policies: {answer.code} {answer.message}"
    assert text.endswith(ENDS), text
    return text.removesuffix(ENDS)


class Place:
    """Two namespaces with the same *labels* and *objects*: in one the policies see pods."""

    def __init__(
        self, cluster: ControlPlane, labels: Mapping[str, str], objects: tuple[Object, ...]
    ) -> None:
        number = f"{os.getpid()}-{next(_numbers)}"
        self.labels = dict(labels)
        self.seen = create_namespace(cluster, f"seen-{number}", self.labels)
        self.unseen = create_namespace(cluster, f"unseen-{number}", {**labels, **DISABLED})
        for obj, namespace in itertools.product(objects, (self.seen, self.unseen)):
            metadata = {**obj["metadata"], "namespace": namespace}
            cluster.api.create({**obj, "metadata": metadata}).expect(201)


class Comparison:
    """Compares pods in one cluster, where the policies are in force."""

    def __init__(self, cluster: ControlPlane, policy: Policy) -> None:
        self.cluster = cluster
        self._policy = policy
        self._place = self.place({})

    def place(self, labels: Mapping[str, str], *objects: Object) -> Place:
        """Return new namespaces."""
        return Place(self.cluster, labels, objects)

    def pod(self, pod: Object, place: Place | None = None) -> Compared | None:
        """Return what *pod* becomes; None if the API server would refuse it in any case."""
        where = place or self._place
        plain = self._created(pod, where.unseen)
        if not plain.ok:
            return None
        labels = {"kubernetes.io/metadata.name": where.seen, **where.labels}
        facts = Facts(namespace=where.seen, namespace_labels=labels, kube_version=VERSION)
        webhook = Webhook(facts=facts, policy=self._policy)
        review = webhook.admit(bare(plain.body), raw=True, kind="Pod", namespace=where.seen)
        answer = self.answer(pod, where)
        by_webhook = None
        if review.allowed:
            by_webhook = _shown(self._created(review.admitted, where.unseen).expect(201).body)
        return Compared(
            answer=answer,
            warnings=review.warnings,
            by_policies=_shown(answer.body) if answer.ok else None,
            by_webhook=by_webhook,
        )

    def judged(self, pod: Object, place: Place | None = None) -> Compared:
        """Return the same of a pod that the API server would accept."""
        found = self.pod(pod, place)
        assert found, "the API server refuses the pod"
        return found

    def answer(self, pod: Object, place: Place | None = None) -> Answer:
        """Return the answer of the API server with the policies."""
        return self._created(pod, (place or self._place).seen)

    def _created(self, pod: Object, namespace: str) -> Answer:
        obj = bare(pod)
        obj["metadata"]["namespace"] = namespace
        return self.cluster.api.create(obj, dry_run=True)


def bare(pod: Object) -> Object:
    """Return *pod* as somebody would write it, with a name."""
    kept = {key: pod["metadata"].get(key) or {} for key in ("annotations", "labels")}
    metadata = {"name": "compared", **copy.deepcopy(kept)}
    spec = copy.deepcopy(pod["spec"])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _shown(pod: Object) -> Object:
    """Return annotations and spec of *pod*, without the random name of the token's volume."""
    annotations = pod["metadata"].get("annotations", {})
    found: Object = copy.deepcopy({"annotations": annotations, **pod["spec"]})
    containers = [*found["containers"], *found.get("initContainers", ())]
    mounts = [mount for each in containers for mount in each.get("volumeMounts", ())]
    for named in (*found.get("volumes", ()), *mounts):
        if named["name"].startswith("kube-api-access-"):
            named["name"] = "kube-api-access"
    return found
