"""What a rule judges: what a pod requests, or a pod as it will run."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from webhook.admission.containers.gains import ContainerPlan
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import CacheRequest
from webhook.admission.strategies.strategy import Strategy
from webhook.models.layout import DEFAULT_ROOT
from webhook.objects import names
from webhook.objects.container import Container
from webhook.objects.facts import Facts
from webhook.objects.pod import PodSpec
from webhook.objects.volume import Volume

DEFAULT_ACCOUNT: Final = "default"
DEFAULT_CLAIM: Final = "model-store"
MOST_VOLUMES: Final = 256
MOST_MOUNTS: Final = 2048
"""Of a pod that is judged by its volumes and mounts. An API server spends a bounded time on a rule,
and admits the pod if that is over. So more of them would be a way around the rule."""
TOO_LARGE: Final = (
    f"the pod has more than {MOST_VOLUMES} volumes or {MOST_MOUNTS} mounts, too many to judge: use "
    "fewer"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The policy that a rule belongs to, as far as the rule needs it."""

    defaults: Mapping[str, str]
    """Its defaults, without prefix."""
    roots: tuple[str, ...] = ()
    """The roots of its rule hostPathRoots."""
    claims: tuple[str, ...] = ()
    """The claims of its rule readOnlyMounts."""

    @property
    def store(self) -> str:
        """The claim that holds models by default."""
        return self.defaults.get("claim", DEFAULT_CLAIM)

    @property
    def caches(self) -> tuple[str, ...]:
        """The directories of nodes that hold models."""
        return (*self.roots, plain(self.defaults.get("host-path", DEFAULT_ROOT)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A pod that requests models, before it gets them."""

    spec: PodSpec
    request: CacheRequest
    facts: Facts
    setting: Setting
    strategy: Strategy | None = None
    """None: a mistake keeps it from being known."""
    target: Container | None = None
    containers: tuple[ContainerPlan, ...] = ()
    remarks: tuple[Problem, ...] = ()
    """The warnings about the pod."""
    several: bool | None = None
    """Whether its controller runs several such pods at a time; None: that is not known."""
    origins: Mapping[str, str]
    """Annotation → the policy whose default it is."""

    def said(self, annotation: str) -> str:
        """Return who wrote an annotation, as the end of a sentence; nothing for the pod itself."""
        if annotation in self.request.asked or annotation not in self.origins:
            return ""
        return f", the default of CachePolicy {self.origins[annotation]},"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A pod as it will run, no matter who wrote its parts."""

    spec: PodSpec
    annotations: Mapping[str, str]
    setting: Setting
    only_ephemeral: bool = False
    """Whether its ephemeral containers alone are new."""

    @property
    def asks(self) -> bool:
        """Whether it requests models, and has not opted out."""
        opted_out = self.annotations.get(PREFIX + "inject", "").strip() == "false"
        return PREFIX + "model" in self.annotations and not opted_out

    @property
    def containers(self) -> list[Container]:
        """The containers that are judged."""
        added = self.spec.ephemeral_containers or ()
        if self.only_ephemeral:
            return list(added)
        return [*(self.spec.containers or ()), *(self.spec.init_containers or ()), *added]

    def fills(self, container: Container, volume: Volume) -> bool:
        """Whether *container* has the name of our loader, and *volume* lives and ends with the pod.

        Anyone can write a container of that name. So it may not write to what other pods read.
        """
        first = [one.name for one in self.spec.init_containers or ()]
        is_loader = self.asks and container.name == names.LOADER and names.LOADER in first
        return is_loader and volume.empty_dir is not None

    @property
    def too_large(self) -> bool:
        """Whether it has more volumes or mounts than are judged."""
        mounts = sum(len(c.volume_mounts or ()) for c in self.containers)
        return len(self.spec.volumes or ()) > MOST_VOLUMES or mounts > MOST_MOUNTS

    @property
    def volumes(self) -> list[Volume]:
        """The volumes that are new, or newly mounted."""
        found = list(self.spec.volumes or ())
        if not self.only_ephemeral:
            return found
        mounted = {mount.name for c in self.containers for mount in c.volume_mounts or ()}
        return [volume for volume in found if volume.name in mounted]


def account(spec: PodSpec) -> str:
    """Return the ServiceAccount of a pod."""
    return spec.service_account_name or DEFAULT_ACCOUNT


def plain(path: str) -> str:
    """Return a directory without //, dots and a slash at its end: / is ""."""
    return "".join(f"/{part}" for part in path.split("/") if part not in ("", "."))


def fits(text: str, globs: Iterable[str]) -> bool:
    """Whether one of *globs* matches the whole *text*; * is any text, ? is one character."""
    return any(_expression(glob).fullmatch(text) for glob in globs)


@lru_cache(maxsize=1024)
def _expression(glob: str) -> re.Pattern[str]:
    words = {"*": ".*", "?": "."}
    return re.compile("".join(words.get(c, re.escape(c)) for c in glob), re.DOTALL)
