"""Measure how soon pods run whose model comes after them: `python -m benchmarks.late_model`.

A Deployment is created while its model is absent. A webhook that watches the cluster admits its
pods, and they wait. The model is published a minute later. It needs what tests with nodes need.
"""

import argparse
import os
import time
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.custom_resources import define
from tests.kubernetes.inference_pods import (
    container,
    created,
    deleted_at_end,
    deployment,
    equip,
    pods_of,
)
from tests.kubernetes.local_volume import bind
from tests.kubernetes.node_disk import disk
from tests.kubernetes.registration import create_namespace
from tests.store import models

NAMESPACE: Final = "late"
NO_CLAIM: Final = "claim and model come later"
NO_MODEL: Final = "the claim is there, the model comes later"
NO_NODE: Final = "the node's copy comes later"
REPLICAS: Final = 3
PERIOD: Final = 0.05


def workload(name: str, **annotations: str) -> Object:
    """Return a Deployment of a small model."""
    asked = {"model": f"example/model@{models.COMMIT}", "shm-size": "0", **annotations}
    server = container(request="32Mi", limit="64Mi")
    return deployment(NAMESPACE, asked, server, name=name, replicas=REPLICAS)


def running(cluster: Cluster, deployment: Object) -> bool:
    """Whether all its pods run."""
    return all(pod["status"]["phase"] == "Running" for pod in pods_of(cluster, deployment))


def visit(cluster: Cluster, number: int, wait: float) -> dict[str, float]:
    """Return for each case the seconds from the publication until all pods run."""
    node = cluster.nodes[0]
    cache = f"/var/lib/model-cache/round-{number}"
    claims = {NO_CLAIM: f"late-{number}", NO_MODEL: f"empty-{number}"}
    stores: dict[str, Path] = {NO_NODE: node.disk(cache)}
    stores[NO_MODEL] = bind(cluster, node, NAMESPACE, claims[NO_MODEL])
    wanted = {
        NO_CLAIM: workload(claims[NO_CLAIM], claim=claims[NO_CLAIM]),
        NO_MODEL: workload(claims[NO_MODEL], claim=claims[NO_MODEL]),
        NO_NODE: workload(f"node-{number}", strategy="hostPath", **{"host-path": cache}),
    }
    found: dict[str, float] = {}
    with deleted_at_end(cluster, wanted.values()):
        before = {case: created(cluster, one) for case, one in wanted.items()}
        time.sleep(wait)
        for case, one in wanted.items():
            if case == NO_CLAIM:
                stores[case] = bind(cluster, node, NAMESPACE, claims[case])
            models.publish(stores[case], "example/model")
            began = time.monotonic()
            while not running(cluster, one):
                if time.monotonic() - began > 150:
                    raise SystemExit(f"{case}: the pods do not run")
                time.sleep(PERIOD)
            found[case] = time.monotonic() - began
            same = {pod["metadata"]["uid"] for pod in pods_of(cluster, one)}
            if same != {pod["metadata"]["uid"] for pod in before[case]}:
                raise SystemExit(f"{case}: other pods run than those that waited")
    return found


def main() -> None:
    """Print the seconds of each case."""
    parser = argparse.ArgumentParser(prog="benchmarks.late_model", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--wait", type=float, default=60.0, help="seconds until the model comes")
    options = parser.parse_args()
    console = Console()
    rounds: dict[str, list[float]] = {}
    cluster = Cluster(disk=disk())
    try:
        define(cluster.plane)
        create_namespace(cluster.plane, NAMESPACE)
        server = equip(cluster, "--facts")
        for number in track(range(options.rounds), "waiting", console=console):
            for case, seconds in visit(cluster, number, options.wait).items():
                rounds.setdefault(case, []).append(seconds)
        server.stop()
    finally:
        cluster.stop()
    table = Table("case", Column("median s", justify="right"), Column("from - to", justify="right"))
    for case, measured in rounds.items():
        table.add_row(case, f"{median(measured):.1f}", f"{min(measured):.1f} - {max(measured):.1f}")
    console.print(table)
    console.print(
        f"{options.rounds} rounds of {REPLICAS} replicas, {options.wait:g} s without the model, "
        f"load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
