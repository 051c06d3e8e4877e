"""Choose the init container that we add: the loader of strategy emptyDir, or the gate.

Both have limit and request of cpu and memory. If one of these were missing, LimitRanger
would fill in a default, a quota would refuse the pod, and the pod would lose its limit or
its QoS class (KEP-753, limits of pods). Both pass Pod Security restricted.

container   what both have in common: image, user, no token
place       at which index they are inserted
pulling     what the pod lacks to pull their image
"""

from collections.abc import Sequence

from webhook.admission.init_containers.container import NO_TOKEN, Base
from webhook.admission.init_containers.downloader import downloader
from webhook.admission.init_containers.gate import gate
from webhook.admission.init_containers.loader import loader
from webhook.admission.strategies.strategy import Strategy
from webhook.objects import names
from webhook.objects.container import Container
from webhook.objects.facts import Facts
from webhook.objects.json import Json
from webhook.objects.pod import PodSpec
from webhook.values.quantity import Quantity


def added(
    spec: PodSpec, target: Container, strategy: Strategy, mounts: Sequence[Json], facts: Facts
) -> tuple[list[Json], list[Json]]:
    """Return the init containers that the pod lacks, and the volumes that they alone mount.

    *mounts*: the mounts of the models.
    """
    there = {container.name for container in spec.init_containers or ()}
    _, provided = strategy.sources()
    downloads = strategy.downloads
    loads = downloads or bool(provided)
    if (names.LOADER if loads else names.GATE) in there:
        return [], []
    if not loads and not strategy.request.options.verify:
        return [], []
    level = None if facts.older_than(34) else spec.resources
    base = Base.of(spec, strategy.request.options, facts)
    if downloads:
        made = downloader(base, facts, strategy, spec, target, level=level)
    elif provided:
        sources = [
            {"name": p.volume, **({"subPath": p.sub_path} if p.sub_path else {})} for p in provided
        ]
        volumes = [p.volume for p in strategy.provided()]
        size = Quantity(sum(strategy.charges()))
        made = loader(base, sources, volumes, size, spec, target, level=level)
    else:
        made = gate(base, mounts, spec, target, level=level)
    return [made], [NO_TOKEN] if base.mounts_token else []
