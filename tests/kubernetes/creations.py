"""Create pods at a steady rate, and count what becomes of them."""

import contextlib
import dataclasses
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.kubernetes.api import Answer, Api, Object

ASKERS: Final = 12
"""How many creations may be under way at the same time."""


@dataclasses.dataclass(slots=True)
class Creations:
    """The results so far."""

    outcomes: Counter[str] = dataclasses.field(default_factory=Counter)
    """Result → how many: injected, not injected, or the text of a refusal."""
    refused: list[float] = dataclasses.field(default_factory=list)
    """When pods were refused, by time.monotonic()."""
    slowest: float = 0.0
    """The longest time that a creation took, in seconds."""
    first: float = math.inf
    """When the first pod was injected, by time.monotonic()."""

    @property
    def injected(self) -> int:
        """How many were injected."""
        return self.outcomes["injected"]

    @property
    def refusals(self) -> list[str]:
        """The texts of refusals."""
        return [text for text in self.outcomes if text not in {"injected", "not injected"}]


def asking(namespace: str) -> Object:
    """Return a pod that requests a model on a claim."""
    annotations = {
        "modelcache.io/model": "example-org/llama",
        "modelcache.io/strategy": "pvc",
        "modelcache.io/claim": "models",
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "p-", "namespace": namespace, "annotations": annotations},
        "spec": {"containers": [{"name": "c", "image": "vllm/vllm-openai:v0.11.0"}]},
    }


def is_injected(pod: Object) -> bool:
    """Whether a pod of asking() has its claim."""
    return any("persistentVolumeClaim" in volume for volume in pod["spec"].get("volumes", []))


def outcome(answer: Answer) -> str:
    """Return what became of a pod of asking(): injected, not injected, or the text of the refusal."""
    if not answer.ok:
        return answer.message
    return "injected" if is_injected(answer.body) else "not injected"


@contextlib.contextmanager
def creations(api: Api, pod: Object, rate: float) -> Iterator[Creations]:
    """Create *pod*, by dry run, *rate* times a second for the time of a `with` block."""
    found = Creations()
    over = threading.Event()
    lock = threading.Lock()
    due = [time.monotonic()]

    def ask() -> None:
        while not over.is_set():
            with lock:
                mine = due[0] = max(due[0] + 1 / rate, time.monotonic() - 1)
            if over.wait(max(0.0, mine - time.monotonic())):
                return
            began = time.monotonic()
            said = outcome(api.create(pod, dry_run=True))
            with lock:
                found.outcomes[said] += 1
                if said == "injected":
                    found.first = min(found.first, time.monotonic())
                elif said != "not injected":
                    found.refused.append(time.monotonic())
                found.slowest = max(found.slowest, time.monotonic() - began)

    askers = [threading.Thread(target=ask) for _ in range(ASKERS)]
    for asker in askers:
        asker.start()
    try:
        yield found
    finally:
        over.set()
        for asker in askers:
            asker.join()
