"""Find out where a container looks for a Hugging Face cache, and what keeps a mount from there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from webhook.admission.containers.server import HubCache
from webhook.admission.containers.texts import Texts
from webhook.objects.container import Container
from webhook.values.paths import collide, normalised

DEFAULT_ROOT: Final = "/modelcache/hub"
_OTHER_HUBS: Final = re.compile(r"[A-Z]+_USE_(?:MODELSCOPE|OPENMIND_HUB)")
"""Variables with which vLLM, SGLang, LMDeploy and others take names for those of another hub."""
HOME: Final = "HF_HOME"


@dataclass(frozen=True, slots=True)
class Roots:
    """The roots of the caches that a container reads."""

    paths: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    """The variables with which the container looks there, as far as we set them."""
    fault: str = ""
    """Why no cache can be mounted there."""


def roots_of(container: Container, texts: Texts, cache: HubCache, default: str) -> Roots:
    """Return the roots that *container* reads: where the author says, else *default*.

    A server may read its parts from several: weights from the place of an argument, and the rest
    from the place of a variable.
    """
    words = texts.options
    values = {**texts.values, **words}
    for name, value in values.items():
        if _OTHER_HUBS.fullmatch(name) and value.lower() in ("1", "true"):
            return Roots(fault=f"takes its models from another hub by {name}")
    found: list[str] = []
    unset = []
    for name in (*cache.variables, *cache.flags, *cache.older):
        if name in texts.hidden:
            return Roots(fault=f"gets {name} from elsewhere: its value is not in the pod")
        given = words.get(name) if name.startswith("-") else values.get(name)
        if given is not None:
            if fault := _fault(container, name, given):
                return Roots(fault=fault)
            found.append(normalised(given))
        elif name in cache.variables:
            unset.append(name)
    if unset:
        found.insert(0, next(iter(found[: len(cache.variables) - len(unset)]), default))
    ours = dict.fromkeys(unset, found[0])
    if cache.home and HOME not in texts.hidden:
        hub = normalised(values.get(HOME) or cache.home) + "/hub"
        if not _fault(container, HOME, hub):
            found.append(hub)
    return Roots(tuple(dict.fromkeys(found)), ours)


def _fault(container: Container, name: str, value: str) -> str:
    """Return why no cache can be mounted at *value*, which *name* sets; empty if one can."""
    if not value.startswith("/") or ":" in value or "$" in value:
        return f"looks at {name}, which is not an absolute directory"
    path = normalised(value)
    for mount in container.volume_mounts or ():
        there = normalised(mount.mount_path)
        if mount.read_only and collide(path, there) and len(there) <= len(path):
            return f"looks at {name}, which is in the read-only volume {mount.name}"
    return ""
