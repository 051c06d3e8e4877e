"""Run commands in turn, and measure the time and peak memory of each."""

import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

_RUN: Final = """
import json, os, resource, subprocess, sys, time
began = time.monotonic()
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
seconds = time.monotonic() - began
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, seconds, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime]))
"""


class Run(msgspec.Struct, frozen=True):
    """One run of a command."""

    seconds: float
    peak: int
    """Peak memory of its largest process, in bytes."""
    processor: float
    """Seconds of processor time."""


class Contestant(msgspec.Struct, frozen=True, kw_only=True):
    """A command, and the untimed preparation before each of its runs."""

    name: str
    command: Sequence[str]
    env: dict[str, str] = {}
    before: Callable[[], None]


class Contest(msgspec.Struct, frozen=True, kw_only=True):
    """Commands that do the same work; the first is ours."""

    title: str
    size: int
    """Bytes that each command moves or reads."""
    contestants: Sequence[Contestant]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of one contest, by the name of the command, in the order of rounds."""

    title: str
    size: int
    runs: dict[str, list[Run]]

    @property
    def ours(self) -> str:
        """The name of our command."""
        return next(iter(self.runs))

    def median(self, name: str) -> float:
        """Return the median of a command's seconds."""
        return statistics.median(run.seconds for run in self.runs[name])

    def peak(self, name: str) -> float:
        """Return the median of a command's peaks, in bytes."""
        return statistics.median(run.peak for run in self.runs[name])

    def faster(self, name: str) -> list[float]:
        """Return how many times as fast as *name* ours was, for each round."""
        pairs = zip(self.runs[name], self.runs[self.ours], strict=True)
        return [theirs.seconds / ours.seconds for theirs, ours in pairs]


def once(contestant: Contestant) -> Run:
    """Return one run; RuntimeError if the command failed."""
    contestant.before()
    done = subprocess.run(
        [sys.executable, "-S", "-c", _RUN, *contestant.command],
        capture_output=True, text=True, check=True, env={**os.environ, **contestant.env},
    )  # fmt: skip
    status, *figures = json.loads(done.stdout)
    if status:
        raise RuntimeError(f"{contestant.name} ended with {status}: {contestant.command}")
    return Run(*figures)


def results(contests: Sequence[Contest], rounds: int) -> Iterator[Result]:
    """Yield each contest's result; each round runs its commands in a new random order."""
    for contest in contests:
        runs: dict[str, list[Run]] = {one.name: [] for one in contest.contestants}
        for _ in range(rounds):
            for one in random.sample(contest.contestants, len(contest.contestants)):
                runs[one.name].append(once(one))
        yield Result(title=contest.title, size=contest.size, runs=runs)


def program(name: str) -> str:
    """Return the path of a command of this environment."""
    return str(Path(sys.executable).with_name(name))
