"""Visit a cell: create its pods, observe when they serve, check what they read, delete them."""

import contextlib
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.startup import page_cache
from benchmarks.startup.cells import Cell
from benchmarks.startup.first_bytes import addresses
from benchmarks.startup.installation import NAMESPACE, Installation, Stored
from benchmarks.startup.workloads import workload
from tests.kubernetes.api import Object
from tests.kubernetes.inference_pods import PORT, ask, events, pods_of
from tests.kubernetes.processes import FailedError
from tests.kubernetes.registration import wait_until

WATCH: Final = Path(__file__).with_name("first_bytes.py")
PATIENCE: Final = 120.0
"""Seconds that pods may take in addition to the download."""
_numbers = itertools.count(1)


def visit(place: Installation, cell: Cell) -> float:
    """Return the seconds from the create request to the first byte of the last pod."""
    stored = place.stored[cell.size]
    asked = workload(
        cell,
        stored.model,
        NAMESPACE,
        image=stored.image,
        urls=place.urls(stored),
        name=f"start-{next(_numbers)}",
    )
    _prepare(cell, stored)
    seconds = PATIENCE + 1.5 * cell.on_link(place.hub.rate)
    with _watch(place, cell.replicas, seconds) as watch:
        began = time.monotonic()
        place.cluster.api.create(asked).expect(201)
        output, _ = watch.communicate()
    moments = [float(line.split()[1]) for line in output.splitlines()]
    if len(moments) != cell.replicas:
        found = "\n".join(events(place.cluster, asked)[-20:])
        raise FailedError(f"{len(moments)} of {cell.replicas} serve: {cell}\n{found}")
    _check(place, asked, stored)
    _remove(place, asked)
    return max(moments) - began


def _prepare(cell: Cell, stored: Stored) -> None:
    """Put the page cache into the state of the cell. A naive pod's hub has its files in memory."""
    files = stored.image_files if cell.strategy == "image" else stored.files
    if cell.cache == "cold":
        page_cache.drop(files)
    else:
        page_cache.warm(files)


@contextlib.contextmanager
def _watch(place: Installation, count: int, seconds: float) -> Iterator["subprocess.Popen[str]"]:
    """Observe the first bytes of *count* pods from inside the cluster's network."""
    words = [place.addresses, count, PORT, seconds]
    command = [sys.executable, "-I", "-S", str(WATCH), *map(str, words)]
    with subprocess.Popen(
        place.cluster.network.command(command),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            if process.stdout is None or process.stdout.readline() != "ready\n":
                raise FailedError(f"{WATCH.name}: {process.communicate()[1]}")
            yield process
        finally:
            process.kill()


def _check(place: Installation, asked: Object, stored: Stored) -> None:
    """Check that each pod has read the whole model; FailedError names one that has not."""
    for pod in pods_of(place.cluster, asked):
        (found,) = ask(place.cluster, pod, "/report")["models"]
        wanted = sum(file.stat().st_size for file in stored.files)
        if (found["bytes"], found["manifest"]) != (wanted, "agrees"):
            raise FailedError(f"{pod['metadata']['name']} has read {found}")


def _remove(place: Installation, asked: Object) -> None:
    """Delete a Deployment; return when nothing of its pods is left on the node."""
    place.cluster.api.delete(asked).expect(200)
    wait_until(lambda: not pods_of(place.cluster, asked), "pods deleted", 60)
    wait_until(
        lambda: not addresses(place.addresses) and not any(place.pods.iterdir()),
        "nothing left of the pods",
        120,
    )
