"""Pods that are created all the time, so many a second, and what becomes of each."""

import contextlib
import dataclasses
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.cluster.api import Answer, Api, Object

ASKERS: Final = 12
"""Creations that may be under way at once."""


@dataclasses.dataclass(slots=True)
class Creations:
    """What has become of them so far."""

    outcomes: Counter[str] = dataclasses.field(default_factory=Counter)
    """How many came back with their model, without it, or refused; a refusal by its text."""
    slowest: float = 0.0
    """Seconds."""

    @property
    def injected(self) -> int:
        """How many came back with their model."""
        return self.outcomes["injected"]

    @property
    def refusals(self) -> list[str]:
        """The texts of refusals."""
        return [text for text in self.outcomes if text not in {"injected", "not injected"}]


def outcome(answer: Answer) -> str:
    """Return what became of a pod that asks for a claim."""
    if not answer.ok:
        return answer.message
    volumes = answer.body["spec"].get("volumes", [])
    return (
        "injected"
        if any("persistentVolumeClaim" in volume for volume in volumes)
        else "not injected"
    )


@contextlib.contextmanager
def creations(api: Api, pod: Object, rate: float) -> Iterator[Creations]:
    """Create *pod* on trial *rate* times a second for the time of a `with` block."""
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
