"""Find out where a container looks for a Hugging Face cache, and what keeps a mount from there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from webhook.admission.containers.server import HubCache
from webhook.admission.containers.texts import Texts
from webhook.models.layout import HUB_CACHE
from webhook.objects.container import Container
from webhook.objects.volume import Volume
from webhook.values.paths import normalised

DEFAULT_ROOT: Final = "/modelcache/hub"
"""Where a cache is mounted if nothing says where the server looks."""
OTHER_ROOT: Final = "/modelcache-hub"
"""Where it is mounted if that is in a read-only volume, or in the mount of a model."""
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


def roots_of(
    container: Container,
    texts: Texts,
    cache: HubCache,
    default: str,
    paths: Sequence[str],
    volumes: Sequence[Volume],
) -> Roots:
    """Return the roots that *container* reads: where the author says, else *default*.

    A server may read its parts from several: weights from the place of an argument, and the rest
    from the place of a variable. *paths*: where the models are mounted as
    directories. *volumes*: those of the pod.
    """
    words = texts.options
    values = {**texts.values, **words}
    if elsewhere := _elsewhere(cache, texts, values):
        return Roots(fault=elsewhere)
    found: list[str] = []
    unset = []
    for name in (*cache.variables, *cache.flags, *cache.older):
        if name in texts.hidden:
            return Roots(fault=f"gets {name} from elsewhere: its value is not in the pod")
        given = words.get(name) if name.startswith("-") else values.get(name)
        if given is not None:
            if obstacle := _obstacle(container, volumes, paths, given):
                return Roots(fault=f"looks at {name}, which is {obstacle}")
            found.append(normalised(given))
        elif name in cache.variables:
            unset.append(name)
    ours: Mapping[str, str] = {}
    if unset:
        root = found[0] if len(unset) < len(cache.variables) else default
        obstacle = _obstacle(container, volumes, paths, root)
        if obstacle and root == DEFAULT_ROOT:
            root = OTHER_ROOT
            obstacle = _obstacle(container, volumes, paths, root)
        if obstacle:
            return Roots(fault=f"would look at {root}, which is {obstacle}")
        found.insert(0, root)
        ours = dict.fromkeys(unset, root)
    if cache.home and HOME not in texts.hidden:
        hub = f"{values.get(HOME) or cache.home}/hub"
        if obstacle := _obstacle(container, volumes, paths, hub):
            return Roots(fault=f"looks at {HOME}, which is {obstacle}")
        found.append(normalised(hub))
    roots = tuple(dict.fromkeys(found))
    if roots[1:] and (fault := _nested(roots)):
        return Roots(fault=fault)
    return Roots(roots, ours)


def _elsewhere(cache: HubCache, texts: Texts, values: Mapping[str, str]) -> str:
    """Return how a server takes its models from elsewhere than a cache; empty if it does not."""
    for name in cache.overrides:
        if name in values or name in texts.hidden:
            return f"takes its weights from the directory of {name}"
    for name, value in values.items():
        if _OTHER_HUBS.fullmatch(name) and value.lower() in ("1", "true"):
            return f"takes its models from another hub by {name}"
    return ""


def _obstacle(
    container: Container, volumes: Sequence[Volume], paths: Sequence[str], value: str
) -> str:
    """Return what *value* is, if no folder can be mounted below it; empty if one can.

    The container's runtime creates the folder, which it can't do in what is mounted read-only.
    """
    if not value.startswith("/") or ":" in value or "$" in value:
        return "not an absolute directory"
    root = normalised(value)
    folders = f"{root}/".replace("//", "/") + HUB_CACHE
    for path in paths:
        if f"{root}/".startswith(f"{path}/") or path.startswith(folders):
            return f"where {path} is mounted"
    nearest = None
    for mount in container.volume_mounts or ():
        there = normalised(mount.mount_path)
        above = there in ("/", root) or root.startswith(f"{there}/")
        if above and mount.mount_path and (nearest is None or len(there) >= len(nearest[0])):
            nearest = there, mount
    if nearest is None:
        return ""
    mount = nearest[1]
    read_only = mount.read_only or any(v.name == mount.name and v.is_read_only for v in volumes)
    return f"in the read-only volume {mount.name}" if read_only else ""


def _nested(roots: Sequence[str]) -> str:
    """Return which root is in the folder of a model of another; empty if none is."""
    for root in roots:
        for other in roots:
            if other.startswith(f"{root}/{HUB_CACHE}".replace("//", "/")):
                return f"looks at {other}, which is in the cache at {root}"
    return ""
