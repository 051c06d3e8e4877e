"""Measure our webhook without a server: from review to answer, in one process.

No log line is written here. What the server costs is measured through the server.
"""

import argparse
import gc
import time
from collections.abc import Callable
from itertools import cycle, islice
from typing import Final

import msgspec

from benchmarks.measures import InProcess, Scale
from benchmarks.reviews import SIZES, bodies
from webhook.admission.policy.documents import Policy
from webhook.objects.facts import Facts
from webhook.server.known_facts import KnownFacts
from webhook.server.reviews.reviewer import Reviewer
from webhook.server.telemetry.decisions import Telemetry

CALLS: Final = 5_000
FACTS: Final = Facts(namespace="inference", kube_version=(1, 37))


def fresh() -> Reviewer:
    """Return our webhook as after a start, without kept answers."""
    return Reviewer(KnownFacts(FACTS, Policy()), Telemetry(lambda *_, **__: None))


def microseconds(review: Callable[[bytes], bytes], calls: list[bytes]) -> float:
    """Return the processor time of one call."""
    began = time.process_time_ns()
    for body in calls:
        review(body)
    return (time.process_time_ns() - began) / 1000 / len(calls)


def without_kept_answers(calls: list[bytes]) -> float:
    """Return the processor time of a call whose decision has to be made."""
    used = 0
    for body in calls:
        reviewer = fresh()
        began = time.process_time_ns()
        reviewer.review_pod(body)
        used += time.process_time_ns() - began
    return used / 1000 / len(calls)


def collections() -> int:
    """Return how often the garbage collector has run."""
    return sum(generation["collections"] for generation in gc.get_stats())


def main() -> None:
    """Measure once and print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scale", help="a Scale, as JSON")
    scale = msgspec.json.decode(parser.parse_args().scale, type=Scale)
    reviewer = fresh()
    calls = {size: list(islice(cycle(bodies(size)), CALLS)) for size in SIZES}
    both = list(islice(cycle(calls[SIZES[0]][:64] + calls[SIZES[1]][:64]), scale.warm))
    microseconds(reviewer.review_pod, both[:2000])
    result = {size: microseconds(reviewer.review_pod, calls[size]) for size in SIZES}
    decided = {size: without_kept_answers(calls[size][:300]) for size in SIZES}
    gc.collect()
    gc.freeze()
    before = collections()
    microseconds(reviewer.review_pod, both)
    found = InProcess(us=result, decided_us=decided, collections=collections() - before)
    print(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    main()
