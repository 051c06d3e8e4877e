"""The Deployments that are measured: one for each strategy, and the naive one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.startup.cells import NAIVE, Cell
from benchmarks.startup.models import Model
from tests.kubernetes.api import Object
from tests.kubernetes.inference_pods import container, deployment

DOWNLOAD: Final = Path(__file__).with_name("download.py")
FOLDER: Final = "/model"
ASKED: Final[dict[str, Any]] = {"requests": {"cpu": "20m", "memory": "32Mi"}}
"""CPU request of the whole pod: a loader requests one processor, and ten loaders would need ten."""


def workload(
    cell: Cell, model: Model, namespace: str, *, image: str, urls: Sequence[str], name: str
) -> Object:
    """Return the Deployment of a cell; the webhook does the rest, or nothing for naive."""
    if cell.strategy == NAIVE:
        server = container(
            command=["python3", "-S", "-c", DOWNLOAD.read_text(), FOLDER, *urls],
            volumeMounts=[{"name": "model", "mountPath": FOLDER}],
        )
        del server["args"]
        volumes = [{"name": "model", "emptyDir": {}}]
        annotations = {}
    else:
        server = container()
        volumes = []
        annotations = {
            "model": model.name,
            "strategy": cell.strategy,
            "shm-size": "8Mi",
            "verify": str(cell.verify).lower(),
            **({"size": str(model.size)} if cell.strategy == "emptyDir" else {}),
            **({"image": image} if cell.strategy == "image" else {}),
        }
    return deployment(
        namespace,
        annotations,
        server,
        name=name,
        replicas=cell.replicas,
        volumes=volumes,
        resources=ASKED,
    )
