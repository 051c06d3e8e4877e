"""Changes of a cluster: labels of claims and nodes at a steady rate, and a policy that turns."""

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from benchmarks.facts.population import NAMESPACES, policy
from tests.kubernetes.api import Api, Object, url

MERGE: Final = "application/merge-patch+json"
CREATORS: Final = 12
"""How many creations may be under way at the same time."""


@contextlib.contextmanager
def churn(api: Api, rate: float, claims: int, nodes: int) -> Iterator[list[int]]:
    """Change labels *rate* times a second for the time of a `with` block; yield the count."""
    made = [0]
    over = threading.Event()

    def run() -> None:
        due = time.monotonic()
        while not over.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1 / rate, time.monotonic() - 1)
            made[0] += 1
            _change(api, made[0], claims, nodes)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        thread.join()


def _change(api: Api, number: int, claims: int, nodes: int) -> None:
    if number % 2:
        one = number * 7919 % claims
        path = url("v1", "PersistentVolumeClaim", f"team-{one % NAMESPACES}", f"claim-{one}")
    else:
        path = url("v1", "Node", name=f"node-{number * 7919 % nodes}")
    body = {"metadata": {"labels": {"changed": str(number)}}}
    api.request("PATCH", path, body, media_type=MERGE).expect()


@dataclass(slots=True)
class Verdicts:
    """The decisions about pods while a policy turned."""

    turned: list[tuple[float, float, bool]] = field(default_factory=list)
    """When a change of the policy was sent and answered, and whether it refuses since."""
    made: list[tuple[float, float, bool]] = field(default_factory=list)
    """When a creation began and ended, and whether it was refused."""

    def stale(self, seconds: float = 1.0) -> int:
        """Return how many decisions were those of a policy that had ended that long before."""
        return sum(not self._possible(*verdict, seconds) for verdict in self.made)

    def _possible(self, began: float, ended: float, refused: bool, seconds: float) -> bool:
        answers = [answered for _, answered, _ in self.turned[1:]] + [float("inf")]
        return any(
            refuses == refused and sent <= ended and until + seconds >= began
            for (sent, _, refuses), until in zip(self.turned, answers, strict=True)
        )

    def lags(self) -> list[float]:
        """Return, for each turn, the seconds until the last decision of the policy before began."""
        nexts = [sent for sent, _, _ in self.turned[1:]] + [float("inf")]
        return [
            max(
                (
                    began - answered
                    for began, ended, refused in self.made
                    if refused != refuses and answered <= began and ended < following
                ),
                default=0.0,
            )
            for (_, answered, refuses), following in zip(self.turned, nexts, strict=True)
        ]


def turning(api: Api, pod: Object, *, creations: int, rate: float, period: float) -> Verdicts:
    """Create *pod* by dry run at a rate while a policy turns every *period* seconds."""
    found = Verdicts()
    over = threading.Event()

    def turn() -> None:
        for refuses in itertools.cycle((True, False)):
            sent = time.monotonic()
            api.apply(policy("enforce" if refuses else "audit")).expect()
            found.turned.append((sent, time.monotonic(), refuses))
            if over.wait(period):
                return

    thread = threading.Thread(target=turn)
    thread.start()
    time.sleep(period / 2)  # the first creations meet a policy that acts
    start = time.monotonic()

    def create(number: int) -> None:
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        began = time.monotonic()
        answer = api.create(pod, dry_run=True).expect(201, 403)
        found.made.append((began, time.monotonic(), not answer.ok))

    try:
        with ThreadPoolExecutor(CREATORS) as pool:
            list(pool.map(create, range(creations)))
    finally:
        over.set()
        thread.join()
    return found
