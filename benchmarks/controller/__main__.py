"""Measure how much the controller slows down reviews: `python -m benchmarks.controller`.

Three servers run at once: without a controller, with it in a process (as shipped), and with it
in a thread. Each round visits them in random order. The controllers are far busier than in
production: authorities last seconds, so a controller looks twice a second and signs all the time.
"""

import argparse
import contextlib
import itertools
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from benchmarks.load import Result, Visit
from benchmarks.measures import ask, shuffled
from benchmarks.reviews import SIZES, bodies
from benchmarks.servers import OURS, Kind, Server, running, write_certificate
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import create_namespace, mutating, webhook

RATE: Final = 200.0
CONNECTIONS: Final = 25
_numbers = itertools.count(1)
_SERVE: Final = (
    *("serve", "--port", "{port}", "--health-port", "{spare}", "--kube-version", "1.37"),
    *("--self-signed", "--own-namespace", "bench", "--leaf-lifetime", "3s"),
    *("--authority-lifetime", "12s", "--settle", "1s"),
)


def kinds() -> tuple[Kind, ...]:
    """Return the servers by their names in the table."""
    other = ("--configuration", "other", "--authority-secret", "other")
    within = ("--configuration", "within", "--authority-secret", "within")
    return (
        Kind("none", OURS.arguments),
        Kind("process", ("webhook", *_SERVE, *other)),
        Kind("thread", ("benchmarks.controller.in_thread", *_SERVE, *within)),
    )


def register(plane: ControlPlane) -> None:
    """Give each controller a registration. No pod has its label, so nobody is called."""
    create_namespace(plane, "bench")
    service = {"name": "modelcache-webhook", "namespace": "bench"}
    label = {"matchLabels": {"modelcache.io/bench": "none"}}
    for name in ("other", "within"):
        hook = webhook(
            "inject.modelcache.io",
            {"service": service},
            objectSelector=label,
            failurePolicy="Ignore",
        )
        plane.api.create(mutating(name, hook)).expect(201)


def measure(servers: list[Server], rounds: int, seconds: float) -> dict[str, list[Result]]:
    """Return the results of each server, by round."""
    found: dict[str, list[Result]] = {server.kind.name: [] for server in servers}
    order = list(shuffled(servers, rounds))
    for server in track(order, "Reviews", console=Console(stderr=True), transient=True):
        visit = Visit(
            server.port, server.pids[:1], connections=CONNECTIONS, seconds=seconds, rate=RATE
        )
        found[server.kind.name].append(ask(visit))
    return found


def table(found: dict[str, list[Result]], memory: dict[str, float]) -> Table:
    """Return medians over rounds, each with its ratio to the server without a controller."""
    heads = ("controller", "median answer", "99th of 100", "processor time of the server", "memory")
    shown = Table(*(Column(head, no_wrap=True) for head in heads))
    for name, results in found.items():
        cells = []
        for field in ("p50_us", "p99_us", "cpu_us"):
            ratios = [
                getattr(one, field) / getattr(base, field)
                for one, base in zip(results, found["none"], strict=True)
            ]
            value = median(getattr(one, field) for one in results)
            cells.append(
                f"{value:,.0f} µs, {median(ratios):.2f} [{min(ratios):.2f} to {max(ratios):.2f}]"
            )
        shown.add_row(name, *cells, f"{memory[name]:.0f} MiB")
    return shown


def main() -> None:
    """Measure, and print the table."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--rounds", type=int, default=9)
    made.add_argument("--seconds", type=float, default=6.0, help="of each visit (default: 6)")
    options = made.parse_args()
    plane = ControlPlane()
    with contextlib.ExitStack() as stack:
        stack.callback(plane.stop)
        register(plane)
        os.environ["KUBECONFIG"] = str(plane.kubeconfig)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_certificate(folder)
        servers = [stack.enter_context(running(kind, folder)) for kind in kinds()]
        for server in servers:
            server.first_answer(bodies(SIZES[0])[0])
        load = os.getloadavg()[0]
        found = measure(servers, options.rounds, options.seconds)
        console = Console()
        if not console.is_terminal:
            console = Console(width=140)
        console.print(table(found, {server.kind.name: server.memory for server in servers}))
        console.print(
            f"{RATE:g} reviews a second, {options.rounds} rounds of {options.seconds:g} s, "
            f"{os.cpu_count()} cores, load {load:.1f} before; ratios to none: median [range]",
            style="dim",
        )


if __name__ == "__main__":
    main()
