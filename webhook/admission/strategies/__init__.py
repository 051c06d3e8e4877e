"""CATALOGUE of strategies: where the model's files come from in the pod.

One class per strategy says everything about itself: its volumes, where a model
lies in them, when it can't work here, what it needs of memory and nodes. To add
one, write the class in a module of its own and give it a row in STRATEGIES.
"""

from typing import Final

from webhook.admission.strategies.empty_dir import EmptyDir
from webhook.admission.strategies.host_path import HostPath
from webhook.admission.strategies.image import Image
from webhook.admission.strategies.pvc import Pvc
from webhook.admission.strategies.strategy import Strategy

STRATEGIES: Final[dict[str, type[Strategy]]] = {s.name: s for s in (Pvc, HostPath, EmptyDir, Image)}
AUTO_ORDER: Final = ("pvc", "hostPath", "image")
