"""Choose the containers that get the mount, and the target.

    containers    those that the annotation names, else those that request an accelerator (of
                  several, the known inference servers), else the known inference servers, else
                  the pod's default container, else the first that is no proxy or agent
    target        the one that the annotation names, else the first of them

A second review must choose as the first did, even if another webhook has added a
container in front of the others. So a container with our mount is preferred to one that
happens to be the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from webhook.admission import codes
from webhook.admission.containers.accelerators import requests_accelerator
from webhook.admission.containers.servers import OTHER, UNKNOWN
from webhook.admission.containers.servers.recognition import only_looks_like_server, server_of
from webhook.admission.containers.sidecars import is_proxy_or_agent
from webhook.admission.problem import Problem, Rejected
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import Options
from webhook.objects.container import Container
from webhook.objects.names import SHM_VOLUME, is_model_volume
from webhook.objects.pod import PodSpec


@dataclass(frozen=True, slots=True)
class Place:
    """A container, and the JSON pointer to it from the pod."""

    pointer: str
    container: Container
    is_init: bool

    @property
    def lives_on(self) -> bool:
        """Whether it runs as long as the pod: an ordinary container, or a sidecar."""
        return not self.is_init or self.container.is_sidecar


def places(spec: PodSpec) -> list[Place]:
    """Return all containers, then all init containers."""
    return [
        Place(f"/spec/containers/{i}", c, False) for i, c in enumerate(spec.containers or ())
    ] + [
        Place(f"/spec/initContainers/{i}", c, True)
        for i, c in enumerate(spec.init_containers or ())
    ]


def _has_model(container: Container) -> bool:
    return any(is_model_volume(m.name) for m in container.volume_mounts or ())


def _has_shm(container: Container) -> bool:
    return any(m.name == SHM_VOLUME for m in container.volume_mounts or ())


def choose(
    spec: PodSpec, options: Options, default: str | None, recorded: str | None
) -> tuple[list[Place], Place, list[Problem]]:
    """Return the containers that get the mount, the target, and a remark if it was guessed.

    *default*: the name of the pod's default container. *recorded*: the name of the target in the
    ledger. Raises Rejected if an annotation names a container that can't be used.
    """
    everything = places(spec)
    by_name = {p.container.name: p for p in everything}
    absent = [
        Problem(
            codes.CONTAINER,
            PREFIX + annotation,
            f"{name} is not a container of this pod: "
            f"it has {', '.join(p.container.name for p in everything[:8])}",
        )
        for annotation, names in (
            ("containers", options.containers),
            ("target", (options.target,) if options.target else ()),
        )
        for name in names
        if name not in by_name
    ]
    if absent:
        raise Rejected(absent)
    remarks: list[Problem] = []
    if options.containers:
        chosen = [by_name[name] for name in dict.fromkeys(options.containers)]
    else:
        marked = [p for p in everything if p.lives_on and _has_model(p.container)]
        apps = [p for p in everything if not p.is_init]
        lasting = [p for p in everything if p.lives_on] if spec.init_containers else apps
        wanted = _servers(lasting, options) or marked
        if not wanted:
            wanted, remarks = _first(apps, default)
        chosen = wanted + [p for p in marked if p not in wanted]
    target = _target(chosen, by_name, options, recorded)
    if not target.lives_on:
        raise Rejected(
            [
                Problem(
                    codes.CONTAINER,
                    PREFIX + "target",
                    f"{target.container.name} is an init container that ends before servers start: "
                    "name another container, or make it a sidecar (restartPolicy: Always)",
                )
            ]
        )
    return chosen if target in chosen else [target, *chosen], target, remarks


def _servers(lasting: list[Place], options: Options) -> list[Place]:
    """Return the containers that serve, as their requests or what they run show.

    A known server without an accelerator is one of them if it names a model of the annotation.
    """
    other = options.server == OTHER
    known = [p for p in lasting if not other and server_of(p.container) is not UNKNOWN]
    accelerated = [p for p in lasting if requests_accelerator(p.container)]
    found = [p for p in accelerated if p in known] or accelerated or known
    names = [model.partition("@")[0] for model in options.model]
    return found + [p for p in known if p not in found and _says(p.container, names)]


def _says(container: Container, names: Sequence[str]) -> bool:
    """Whether a word or a variable of *container* has one of *names*."""
    words = [*(container.command or ()), *(container.args or ())]
    words += [variable.value or "" for variable in container.env or ()]
    return any(name in word for name in names for word in words)


def _first(apps: list[Place], default: str | None) -> tuple[list[Place], list[Problem]]:
    """Return the container that most likely serves; with a remark if there are several."""
    if named := [p for p in apps if p.container.name == default]:
        return named, []
    own = [p for p in apps if not _reads_no_model(p.container)] or apps
    if len(own) == 1:
        return own, []
    others = ", ".join(p.container.name for p in own[1:8])
    what = f"gets the model, because it is the first container; the others are {others}"
    return own[:1], [
        Problem(codes.GUESSED, PREFIX + "containers", f"{own[0].container.name} {what}")
    ]


def _reads_no_model(container: Container) -> bool:
    return is_proxy_or_agent(container) or only_looks_like_server(container.image or "")


def _target(
    chosen: list[Place], by_name: dict[str, Place], options: Options, recorded: str | None
) -> Place:
    if options.target:
        return by_name[options.target]
    lasting = [p for p in chosen if p.lives_on] or chosen
    served = [p for p in lasting if _has_shm(p.container)]
    marked = [p for p in lasting if _has_model(p.container)]
    # An earlier review may have left the target without a mount, where no cache could be.
    named = [p for p in lasting if marked and p.container.name == recorded]
    return (served or named or marked or lasting)[0]
