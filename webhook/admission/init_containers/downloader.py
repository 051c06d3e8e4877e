"""Write the loader of strategy emptyDir that downloads a model into the pod's memory.

The volume in memory has the layout of a store.
"""

from typing import Final

from webhook.admission.init_containers.container import Base
from webhook.admission.init_containers.resources import resources_of
from webhook.admission.memory import OVERHEAD
from webhook.admission.strategies.strategy import Strategy
from webhook.objects import names
from webhook.objects.container import Container, Resources
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.pod import PodSpec
from webhook.values.quantity import Quantity

_STORE: Final = "/modelcache/memory/1"


def downloader(  # what the container is made of
    base: Base,
    facts: Facts,
    strategy: Strategy,
    spec: PodSpec,
    target: Container,
    *,
    level: Resources | None,
) -> Json:
    """Return the loader that downloads the model of *strategy* into its tmpfs.

    *level*: resources at the pod level; None if the API server drops them.
    """
    (model,) = strategy.request.models
    ((provided),) = strategy.provided()
    words = ["load", model.source.text, _STORE, "--progress=lines"]
    words += [f"--allow={glob}" for glob in model.files.allow]
    words += [f"--ignore={glob}" for glob in model.files.ignore]
    if strategy.request.safetensors_only:
        words.append("--safetensors-only")
    if strategy.request.options.layout == "hf-cache":
        words.append("--hub-cache")
    size = Quantity(sum(strategy.charges()))
    return base.container(
        names.LOADER,
        [word.replace("$", "$$") for word in words],  # the kubelet replaces $(NAME)
        [{"name": provided.volume, "mountPath": _STORE}],
        resources_of(size.plus(OVERHEAD), spec, target, level),
        [{"name": name, "value": value} for name, value in facts.loader_env.items()],
    )
