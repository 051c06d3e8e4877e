"""CATALOGUE of strategies: where the files of the model come from.

The class of a strategy says everything about it: its volumes and how they are
recognised, where a model is in them, which annotations it reads and which contradict
it, why it can't work here, what it needs of memory and nodes. To add a strategy,
write its class in a new module and give it a row in STRATEGIES. If its volumes are of
a kind that no strategy had, objects/volume.py needs the fields of that kind.
"""

from typing import Final

from webhook.admission.strategies.empty_dir import EmptyDir
from webhook.admission.strategies.host_path import HostPath
from webhook.admission.strategies.image import Image
from webhook.admission.strategies.pvc import Pvc
from webhook.admission.strategies.strategy import Strategy

STRATEGIES: Final[dict[str, type[Strategy]]] = {
    s.name: s
    for s in (
        Pvc,
        HostPath,
        EmptyDir,
        Image,
    )
}
AUTO_ORDER: Final = ("pvc", "hostPath", "image")
READERS: Final[dict[str, tuple[str, ...]]] = {
    annotation: tuple(s.name for s in STRATEGIES.values() if annotation in s.reads)
    for strategy in STRATEGIES.values()
    for annotation in strategy.reads
}
"""Annotation → the strategies that read it. One that is absent is read by all."""
