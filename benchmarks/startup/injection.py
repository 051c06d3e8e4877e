"""Measure how much injection adds to the creation of a pod."""

import random
import time
from collections.abc import Callable
from typing import Final

from benchmarks.startup.cells import STRATEGIES
from benchmarks.startup.figures import Injection
from tests.kubernetes.api import Api, Object
from tests.kubernetes.processes import FailedError

MODEL: Final = "startup/any@" + "0" * 40
ANNOTATIONS: Final = {
    "modelcache.io/model": MODEL,
    "modelcache.io/size": "1Gi",
    "modelcache.io/shm-size": "8Mi",
    "modelcache.io/image": "modelcache.io/startup/any@sha256:" + "0" * 64,
}
LEDGER: Final = "modelcache.io/injected"
UNCOUNTED: Final = 20
"""Pairs that are not counted: they warm up connections, caches and code."""


def measure(api: Api, namespace: str, count: int, step: Callable[[], None]) -> list[Injection]:
    """Create and delete *count* pairs of pods for each strategy, in random order.

    No scheduler handles them, so nothing else works on them. *step* is called after
    each of *count* + UNCOUNTED rounds.
    """
    annotated: dict[str, list[float]] = {strategy: [] for strategy in STRATEGIES}
    plain: dict[str, list[float]] = {strategy: [] for strategy in STRATEGIES}
    for number in range(-UNCOUNTED, count):
        for strategy in random.sample(STRATEGIES, len(STRATEGIES)):
            sides = [(annotated[strategy], strategy), (plain[strategy], "")]
            for side, asked in random.sample(sides, len(sides)):
                milliseconds = _create(api, _pod(namespace, asked))
                if number >= 0:
                    side.append(milliseconds)
        step()
    return [
        Injection(strategy=s, annotated=tuple(annotated[s]), plain=tuple(plain[s]))
        for s in STRATEGIES
    ]


def _create(api: Api, pod: Object) -> float:
    """Return the milliseconds of a create request; FailedError if it was mutated wrongly."""
    began = time.perf_counter()
    answer = api.create(pod)
    took = (time.perf_counter() - began) * 1000
    created = answer.expect(201).body
    annotated = "annotations" in pod["metadata"]
    if (LEDGER in created["metadata"].get("annotations", {})) != annotated:
        raise FailedError(f"injected, or not injected: {created['metadata']}")
    api.delete(created).expect(200)
    return took


def _pod(namespace: str, strategy: str) -> Object:
    annotations = {"annotations": {**ANNOTATIONS, "modelcache.io/strategy": strategy}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "p-",
            "namespace": namespace,
            **(annotations if strategy else {}),
        },
        "spec": {
            "schedulerName": "nobody",
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "server",
                    "image": "vllm/vllm-openai:v0.11.0",
                    "resources": {"limits": {"cpu": "8", "memory": "24Gi"}},
                }
            ],
        },
    }
