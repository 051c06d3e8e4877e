"""Find the models of a cluster: from pods that read them, loaders, and the labels of nodes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from webhook.admission.request.annotations import PREFIX
from webhook.admission.strategies import STRATEGIES
from webhook.api_server.client import Api
from webhook.api_server.errors import Refused
from webhook.models.layout import identity_of, node_label
from webhook.models.source import parse_source
from webhook.objects import names
from webhook.objects.json import Json
from webhook.status.loaders import Loader, loader
from webhook.store.contents import LAID
from webhook.store.readers import ENDED, View, views

_LOADERS: Final = {"labelSelector": "app.kubernetes.io/name=modelcache"}
RIGHTS: Final = {
    "list pods": "which pods read which model",
    "list nodes": "which nodes hold it",
    "list jobs.batch": "Jobs that load",
    "list daemonsets.apps": "DaemonSets that load",
    "get pods/log": "their progress",
}
"""The permissions it needs, in the words of `kubectl auth can-i`, and their purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A model that pods read."""

    model: str
    revision: str
    source: str
    """What holds it: a claim, a directory of nodes, an image, or only its source."""
    pods: tuple[str, ...]
    """NAMESPACE/NAME."""
    label: str | None
    """The label of nodes that hold it; None if its commit is unknown."""


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """What is known about the models of a cluster."""

    models: tuple[Read, ...]
    loaders: tuple[Loader, ...]
    nodes: dict[str, tuple[str, ...]]
    """The nodes that have our labels, by label."""
    labels: dict[str, str]
    """MODEL@COMMIT of the labels whose model is known."""
    node_count: int
    unread: tuple[str, ...]
    """What we have no permission to read."""

    @property
    def nothing(self) -> bool:
        """Whether nothing could be read."""
        return len(self.unread) == len(RIGHTS) - 1  # logs are only read if something loads


def cluster_status(api: Api) -> ClusterStatus:
    """Return what the cluster of *api* knows; Unreachable if it does not answer."""
    unread: list[str] = []

    def asked(*segments: str, **query: str) -> list[Json]:
        try:
            return api.items(*segments, **query)
        except Refused as error:
            unread.append(str(error))
            return []

    pods = asked("api", "v1", "pods")
    nodes = asked("api", "v1", "nodes")
    jobs = asked("apis", "batch", "v1", "jobs", **_LOADERS)
    sets = asked("apis", "apps", "v1", "daemonsets", **_LOADERS)
    loaders = [
        *(loader(obj, "Job", pods, api) for obj in jobs),
        *(loader(obj, "DaemonSet", pods, api) for obj in sets),
    ]
    models = tuple(_models(pods))
    known = {one.label: f"{one.model}@{one.revision}" for one in models if one.label}
    known |= dict(_loaded(one.source for one in loaders))
    holders: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        for label in node["metadata"].get("labels") or {}:
            if label.startswith(PREFIX):
                holders[label].append(node["metadata"]["name"])
    return ClusterStatus(
        models=models,
        loaders=tuple(sorted(loaders, key=lambda one: (one.name, one.kind))),
        nodes={label: tuple(sorted(found)) for label, found in sorted(holders.items())},
        labels=known,
        node_count=len(nodes),
        unread=tuple(unread),
    )


def _models(pods: Sequence[Json]) -> Iterator[Read]:
    readers: dict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
    for view in views(pods):
        if names.is_model_volume(view.volume) or names.is_store_volume(view.volume):
            readers[_placed(view)][view.pod] = None
    for pod in pods:
        if (pod.get("status") or {}).get("phase") not in ENDED:
            for place in _of_no_store(pod["spec"]):
                readers[place][f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"] = None
    for (model, revision, source), found in sorted(readers.items()):
        yield Read(
            model=model,
            revision=revision,
            source=source,
            pods=tuple(found),
            label=_label(f"{model}@{revision}"),
        )


def _of_no_store(spec: Json) -> Iterator[tuple[str, str, str]]:
    """Yield the models of a pod that are images, or that the pod downloads itself."""
    for volume in spec.get("volumes") or ():
        if names.is_model_volume(volume["name"]):
            for strategy in STRATEGIES.values():
                if reference := strategy.reference(volume):
                    yield reference, "", strategy.name
    for container in spec.get("initContainers") or ():
        command = container.get("command") or []
        if container["name"] == names.LOADER and command[1:2] == ["load"]:
            model, _, revision = str(command[2]).removeprefix("hf://").partition("@")
            yield model, revision, "its source"


def _placed(view: View) -> tuple[str, str, str]:
    """Return model, revision and what holds it; outside our layout, the path instead of a model."""
    parts = PurePosixPath(view.path).parts
    if parts[-1:] and parts[-1].startswith("models--"):
        parts = parts[:-1]
    if len(parts) > 1 and LAID.fullmatch(parts[-2]):
        root, model, revision = parts[:-2], identity_of(parts[-2]), parts[-1]
    else:
        root, model, revision = (), view.path, ""
    if view.claim:
        return model, revision, "/".join((f"claim {view.claim}", *root))
    return model, revision, f"nodes' {PurePosixPath(*root)}" if root else "nodes"


def _label(text: str) -> str | None:
    try:
        source = parse_source(text)
    except ValueError:
        return None
    return (
        node_label(source.identity, source.commit) if source.repository and source.commit else None
    )


def _loaded(sources: Iterable[str]) -> Iterator[tuple[str, str]]:
    for source in sources:
        if label := _label(source):
            yield label, source.removeprefix("hf://")
