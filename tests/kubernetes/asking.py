"""Owns scripted webhooks that tests create pods against: one pod, one answer, one failurePolicy.

The three webhooks are registered once. Each test sets their answer, so that a case costs one request.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.kubernetes.api import Answer, Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import configured, create_namespace, mutating, webhook
from tests.kubernetes.scripted_hook import Reply, Review, ScriptedHook

LABEL: Final = "tests.example.com/answers"
TIMEOUTS: Final = {"Fail": 1, "Ignore": 1, "Patient": 8}
"""Policy → timeoutSeconds. Patient is Fail with enough time for retries."""


def pod(name: str = "", **metadata: Any) -> Object:
    """Return the plainest pod."""
    named = {"name": name} if name else {"generateName": "p-"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**named, **metadata},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """A webhook that reviews every pod of its namespace."""

    plane: ControlPlane
    hook: ScriptedHook
    policy: str

    @property
    def namespace(self) -> str:
        """The namespace whose pods it reviews."""
        return f"answers-{self.policy.lower()}"

    @property
    def name(self) -> str:
        """The webhook's name."""
        return f"{self.policy.lower()}.example.com"

    def about(
        self,
        answer: Callable[[Review], Reply | dict[str, Any]] | Reply | dict[str, Any],
        obj: Object | None = None,
        *,
        dry_run: bool = True,
        **params: str,
    ) -> Answer:
        """Create *obj* while the webhook answers with *answer*; return the API server's answer."""
        self.hook.reset()
        self.hook.answer = answer if callable(answer) else lambda _: answer
        obj = obj or pod()
        obj["metadata"]["namespace"] = self.namespace
        return self.plane.api.create(obj, dry_run=dry_run, **params)


@contextlib.contextmanager
def asking(plane: ControlPlane, hook: ScriptedHook) -> Iterator[dict[str, Asked]]:
    """Register one webhook for each policy, for the time of a `with` block."""
    asked = {policy: Asked(plane, hook, policy) for policy in TIMEOUTS}
    for one in asked.values():
        create_namespace(plane, one.namespace, {LABEL: one.policy})
    hooks = [
        webhook(
            one.name,
            hook.client_config(),
            failurePolicy="Ignore" if policy == "Ignore" else "Fail",
            timeoutSeconds=TIMEOUTS[policy],
            namespaceSelector={"matchLabels": {LABEL: policy}},
        )
        for policy, one in asked.items()
    ]
    with configured(plane, [mutating("answers", *hooks)]):
        yield asked
    for one in asked.values():
        metadata = {"name": one.namespace}
        plane.api.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
