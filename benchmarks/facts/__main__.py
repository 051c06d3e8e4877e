"""Measure the webhook while it watches a large cluster: `python -m benchmarks.facts`.

An API server gets 10,000 claims, 5,000 nodes and 2,000 models. Two servers run at once, one of them
with facts. Each round visits both, with and without changes in the cluster. Then a policy turns
every two seconds while pods are created. With --minutes, changes and reviews go on, and the memory
of both processes at the end is compared with that at the beginning. With --outage, the API server
is away for a while, and reviews go on.
"""

import argparse
import contextlib
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from benchmarks.facts.changes import churn, turning
from benchmarks.facts.population import policy, populate
from benchmarks.facts.watched import (
    WITH,
    WITHOUT,
    certificate,
    live,
    memory,
    ready,
    register,
)
from benchmarks.load import Result, Visit
from benchmarks.measures import ask, shuffled
from benchmarks.reviews import SIZES, bodies
from benchmarks.servers import Server, running
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.custom_resources import define
from tests.kubernetes.registration import wait_until

RATE: Final = 200.0
CONNECTIONS: Final = 25
EVENTS: Final = 50.0
CREATIONS: Final = 100.0
PERIOD: Final = 2.0
SECONDS_PER_SAMPLE: Final = 10.0


def rounds(
    plane: ControlPlane, servers: list[Server], options: argparse.Namespace
) -> dict[tuple[str, bool], list[Result]]:
    """Return the results of each server, without changes in the cluster and with them."""
    cases = [(server, changing) for server in servers for changing in (False, True)]
    found: dict[tuple[str, bool], list[Result]] = {(s.kind.name, c): [] for s, c in cases}
    order = list(shuffled(cases, options.rounds))
    for server, changing in track(order, "Reviews", console=Console(stderr=True), transient=True):
        visit = Visit(
            server.port,
            server.pids[:1],
            connections=CONNECTIONS,
            seconds=options.seconds,
            rate=RATE,
        )
        with contextlib.ExitStack() as stack:
            if changing:
                stack.enter_context(churn(plane.api, EVENTS, options.claims, options.nodes))
            found[server.kind.name, changing].append(ask(visit))
    return found


def table(found: dict[tuple[str, bool], list[Result]]) -> Table:
    """Return medians over rounds, each with its ratio to the server without facts and changes."""
    heads = ("server", "changes", "median answer", "99th of 100", "processor time")
    shown = Table(*(Column(head, no_wrap=True) for head in heads))
    base = found[WITHOUT.name, False]
    for (name, changing), results in found.items():
        cells = []
        for field in ("p50_us", "p99_us", "cpu_us"):
            pairs = zip(results, base, strict=True)
            ratio = median(getattr(one, field) / getattr(first, field) for one, first in pairs)
            value = median(getattr(one, field) for one in results)
            cells.append(f"{value:,.0f} µs, {ratio:.2f}")
        shown.add_row(name, f"{EVENTS:g}/s" if changing else "none", *cells)
    return shown


def policy_turns(plane: ControlPlane, pod: Object, creations: int) -> str:
    """Return how decisions followed a policy that turned while pods were created."""
    found = turning(plane.api, pod, creations=creations, rate=CREATIONS, period=PERIOD)
    plane.api.delete(policy("audit")).expect()
    wait_until(lambda: plane.api.create(pod, dry_run=True).ok, "nothing refuses pods")
    lags = [lag * 1000 for lag in found.lags()]
    refused = sum(refused for *_, refused in found.made)
    took = found.made[-1][1] - found.made[0][0]
    return (
        f"{len(found.made):,} creations in {took:.0f} s, {refused:,} refused, "
        f"{len(found.turned)} changes of the policy: {found.stale()} decisions are older than a "
        f"second. The last one of an ended policy began {median(lags):.0f} ms after the change "
        f"(median), {max(lags):.0f} ms (most)."
    )


def soak(plane: ControlPlane, server: Server, options: argparse.Namespace) -> Table:
    """Return how the memory of both processes developed under changes and reviews."""
    samples: list[list[float]] = []
    ends = time.monotonic() + options.minutes * 60
    wrong = answered = 0
    with churn(plane.api, EVENTS, options.claims, options.nodes) as made:
        while time.monotonic() < ends:
            visit = Visit(
                server.port, server.pids[:1], connections=CONNECTIONS, rate=RATE,
                seconds=SECONDS_PER_SAMPLE,
            )  # fmt: skip
            result = ask(visit)
            wrong, answered = wrong + result.wrong, answered + result.answered
            samples.append(memory(server))
        title = f"{answered:,} reviews, {wrong} wrong; {made[0]:,} changes"
    part = max(1, len(samples) // 4)
    shown = Table("process", "first", "last", "growth", title=title)
    for name, values in zip(("server", "controller"), zip(*samples, strict=True), strict=True):
        first, last = median(values[:part]), median(values[-part:])
        shown.add_row(name, f"{first:.1f} MiB", f"{last:.1f} MiB", f"{last / first - 1:+.1%}")
    return shown


def outage(plane: ControlPlane, server: Server, seconds: float) -> str:
    """Return what became of reviews while no API server ran, and how soon facts were live again."""
    with plane.without_api_server():
        visit = Visit(
            server.port, server.pids[:1], connections=CONNECTIONS, rate=RATE, seconds=seconds
        )
        result = ask(visit)
        dead = live(server).count(0.0)
    began = time.monotonic()
    wait_until(lambda: all(live(server)), "every kind is watched again", 120)
    return (
        f"API server away for {seconds:g} s: {result.answered:,} reviews, {result.wrong} wrong, "
        f"{dead} kinds no longer live at its end. All were watched again "
        f"{time.monotonic() - began:.1f} s after it was ready."
    )


def parsed() -> argparse.Namespace:
    """Return the options of the command line."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--claims", type=int, default=10_000)
    made.add_argument("--nodes", type=int, default=5_000)
    made.add_argument("--models", type=int, default=2_000)
    made.add_argument("--rounds", type=int, default=9)
    made.add_argument("--seconds", type=float, default=6.0, help="of each visit (default: 6)")
    made.add_argument("--creations", type=int, default=10_000)
    made.add_argument("--minutes", type=float, default=0.0, help="of the soak (default: none)")
    made.add_argument("--outage", type=float, default=0.0, help="seconds without an API server")
    return made.parse_args()


def main() -> None:
    """Measure, and print the results."""
    options = parsed()
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    plane = ControlPlane(Options(controller_manager=False))
    with contextlib.ExitStack() as stack:
        stack.callback(plane.stop)
        define(plane)
        populate(plane.api, claims=options.claims, nodes=options.nodes, models=options.models)
        os.environ["KUBECONFIG"] = str(plane.kubeconfig)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        authority = certificate(folder)
        servers = [stack.enter_context(running(kind, folder)) for kind in (WITHOUT, WITH)]
        without, with_facts = servers
        synced = [ready(server) for server in servers]
        for server in servers:
            server.first_answer(bodies(SIZES[0])[0])
        console.print(f"ready after {synced[0]:.1f} s without facts, {synced[1]:.1f} s with them")
        load = os.getloadavg()[0]
        console.print(table(rounds(plane, servers, options)))
        (alone,), (server_mib, child_mib) = memory(without), memory(with_facts)
        console.print(
            f"memory: server {server_mib:.1f} MiB, {server_mib - alone:+.1f} MiB by facts; "
            f"controller {child_mib:.1f} MiB"
        )
        pod = register(plane, with_facts, authority)
        console.print(policy_turns(plane, pod, options.creations))
        if options.minutes:
            console.print(soak(plane, with_facts, options))
        if options.outage:
            console.print(outage(plane, with_facts, options.outage))
        console.print(
            f"{options.claims:,} claims, {options.nodes:,} nodes, {options.models:,} models; "
            f"{RATE:g} reviews a second, {options.rounds} rounds of {options.seconds:g} s, "
            f"{os.cpu_count()} cores, load {load:.1f} before; ratios to the first row: medians",
            style="dim",
        )


if __name__ == "__main__":
    main()
