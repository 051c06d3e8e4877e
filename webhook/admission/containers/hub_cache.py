"""Find out where a container looks for a Hugging Face cache, and what keeps a mount from there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from webhook.admission.containers.server import HubCache
from webhook.admission.containers.started import Started
from webhook.admission.containers.texts import Texts
from webhook.models.layout import HUB_CACHE
from webhook.objects.container import Container
from webhook.objects.volume import Volume
from webhook.values.paths import normalised
from webhook.values.text import quoted

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
    start: Started,
    cache: HubCache,
    default: str,
    paths: Sequence[str],
    volumes: Sequence[Volume],
) -> Roots:
    """Return the roots that *container* reads: where the author says, else *default*.

    A server may read its parts from several: weights from the place of an argument, and the rest
    from the place of a variable. So may one whose commands set a variable: it is not certain that
    the server gets that, so the variable is set too. *paths*: where the models are mounted as
    directories. *volumes*: those of the pod.
    """
    words, values = texts.options, texts.values
    if fault := _unsure(texts, start, cache):
        return Roots(fault=fault)
    found: list[str] = []
    unset = []
    for name in (*cache.variables, *cache.flags, *cache.older):
        if name in texts.hidden:
            return Roots(fault=f"gets {name} from elsewhere: its value is not in the pod")
        given = words.get(name) if name.startswith("-") else values.get(name)
        if given is None:
            unset += [name] if name in cache.variables else []
            continue
        for place in _every(name, given, texts):
            if obstacle := _obstacle(container, volumes, paths, place):
                return Roots(fault=f"looks at {name}, which is {obstacle}")
            found.append(normalised(place))
    ours: Mapping[str, str] = {}
    if unset:
        root = found[0] if len(unset) < len(cache.variables) else default
        if obstacle := _obstacle(container, volumes, paths, root):
            other = OTHER_ROOT if root == DEFAULT_ROOT else root
            if other == root or (obstacle := _obstacle(container, volumes, paths, other)):
                return Roots(fault=f"would look at {other}, which is {obstacle}")
            root = other
        found.insert(0, root)
        ours = dict.fromkeys(unset, root)
    more = _more(texts, start, cache) if start.changes or cache.home else ()
    for name, value in more:
        if obstacle := _obstacle(container, volumes, paths, value):
            return Roots(fault=f"looks at {name}, which is {obstacle}")
        found.append(normalised(value))
    roots = tuple(dict.fromkeys(found))
    if roots[1:] and (fault := _nested(roots)):
        return Roots(fault=fault)
    return Roots(roots, ours)


def _every(name: str, given: str, texts: Texts) -> Sequence[str]:
    """Return the values that an argument may have in a shell; else the one that is *given*."""
    several = texts.every or {}
    return several.get(name, (given,)) if name.startswith("-") else (given,)


def _more(texts: Texts, start: Started, cache: HubCache) -> list[tuple[str, str]]:
    """Return further places where the server may look, each with the variable that sets it."""
    found = [(n, v) for n in (*cache.variables, *cache.older) for v in start.values(n)]
    if cache.home and HOME not in texts.hidden:
        homes = (texts.values.get(HOME) or cache.home, *start.values(HOME))
        found += [(HOME, f"{home}/hub") for home in homes]
    return found


def _unsure(texts: Texts, start: Started, cache: HubCache) -> str:
    """Return why it is not known that the server looks where its variables say; empty if it is."""
    for name in cache.overrides:
        if (
            name in texts.values
            or name in texts.hidden
            or name in texts.options
            or (name in start.changes)
        ):
            return f"takes its weights from the directory of {name}"
    for name, value in texts.values.items():
        if _OTHER_HUBS.fullmatch(name) and value.lower() in ("1", "true"):
            return f"takes its models from another hub by {name}"
    for name, changes in start.changes.items():
        if _OTHER_HUBS.fullmatch(name) and (changes[-1].value or "").lower() in ("1", "true"):
            return f"takes its models from another hub by {name}"
    for name in texts.hidden:
        if _OTHER_HUBS.fullmatch(name):
            return f"may take its models from another hub by {name}, whose value is not in the pod"
    if start.cleared_by and (name := next(filter(start.lacks, cache.variables), "")):
        return f"is started by {start.cleared_by}, without {name}"
    return ""


def _obstacle(
    container: Container, volumes: Sequence[Volume], paths: Sequence[str], value: str
) -> str:
    """Return what *value* is, if no folder can be mounted below it; empty if one can.

    The container's runtime creates the folder, which it can't do in what is mounted read-only.
    """
    if "$" in value:
        return f"{quoted(value)}, whose value is not known here"
    if not value.startswith("/") or ":" in value:
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
