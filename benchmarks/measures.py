"""Measure one round: throughput, latency, start, memory, and time in process."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar
from urllib.request import urlopen

import msgspec

from benchmarks.check import differences
from benchmarks.load import Result, Visit
from benchmarks.reviews import SIZES, bodies
from benchmarks.servers import CHECKOUT, Kind, Server, running

T = TypeVar("T")

KEPT: Final = 25
"""Idle connections that an API server keeps to one host."""


class Scale(msgspec.Struct, frozen=True):
    """The durations and counts of a run."""

    rounds: int = 5
    seconds: float = 2.0
    at_rate: float = 5.0
    reviews: int = 100_000
    """Reviews before memory is read again."""
    warm: int = 40_000
    """Reviews in process, during which the garbage collector should not run."""


FULL: Final = Scale()
QUICK: Final = Scale(rounds=3, seconds=0.8, at_rate=2.0, reviews=10_000)


class InProcess(msgspec.Struct, frozen=True):
    """The result of `benchmarks.inprocess`."""

    us: dict[str, float]
    """Time from bytes to bytes by size, for pods like earlier ones."""
    decided_us: dict[str, float]
    """The same for pods that differ from all earlier ones."""
    collections: int


def ask(visit: Visit) -> Result:
    """Visit a server from a separate process."""
    result = _module("benchmarks.load", visit, Result, visit.seconds + 120)
    if result.wrong or not result.answered:
        raise RuntimeError(f"{result.wrong} wrong answers of {result.answered}: {visit}")
    return result


def in_process(scale: Scale) -> InProcess:
    """Call our webhook without a server."""
    return _module("benchmarks.inprocess", scale, InProcess, 600)


def check(server: Server) -> None:
    """Check that a server answers, and mutates like the others."""
    for size in SIZES:
        body = bodies(size)[0]
        lacking = differences(body, server.first_answer(body)[1])
        if lacking:
            raise RuntimeError(f"{server.kind.name}, {size}: its pod lacks {', '.join(lacking)}")


def shuffled(items: Sequence[T], rounds: int) -> Iterator[T]:
    """Yield all items in each round, in a new random order each time."""
    for _ in range(rounds):
        yield from random.sample(items, len(items))


def saturated(server: Server, size: str, scale: Scale) -> Result:
    """Saturate a server over few connections."""
    return ask(
        Visit(
            port=server.port,
            pids=server.pids,
            sizes=(size,),
            connections=4,
            seconds=scale.seconds,
        )
    )


def at_rate(server: Server, rate: int, scale: Scale) -> Result:
    """Send reviews at the rate of a cluster, over as many connections as an API server keeps."""
    return ask(
        Visit(
            port=server.port,
            pids=server.pids,
            sizes=SIZES[:1],
            connections=KEPT,
            seconds=scale.at_rate,
            warm_up=0.5,
            rate=rate,
        )
    )


def start(kind: Kind, folder: Path) -> float:
    """Return the seconds from a start to the first answered admission."""
    with running(kind, folder) as server:
        return server.first_answer(bodies(SIZES[0])[0])[0]


def memory(kind: Kind, folder: Path, scale: Scale) -> tuple[float, float]:
    """Return the resident memory of our server at rest, and after many reviews of both sizes."""
    with running(kind, folder) as server:
        server.first_answer(bodies(SIZES[0])[0])
        for path in (
            "readyz",
            "metrics",
        ):  # every cluster requests these paths, which imports more modules
            with urlopen(f"http://127.0.0.1:{server.spare}/{path}", timeout=10) as answer:
                answer.read()
        time.sleep(1.0)
        at_rest = server.memory
        visit = Visit(
            port=server.port,
            pids=server.pids,
            connections=KEPT,
            requests=scale.reviews,
            warm_up=0.0,
        )
        ask(visit)
        return at_rest, server.memory


def _module(name: str, argument: msgspec.Struct, type_: type[T], seconds: float) -> T:
    done = subprocess.run(
        [sys.executable, "-m", name, msgspec.json.encode(argument).decode()],
        cwd=CHECKOUT,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr.decode()[-2000:]}")
    return msgspec.json.decode(done.stdout, type=type_)
