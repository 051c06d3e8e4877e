"""Report the models of a cluster, for people and for programs."""

from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from webhook.status.cluster import ClusterStatus, Read
from webhook.status.loaders import Loader, PodState
from webhook.terminal import tables
from webhook.values.quantity import rounded
from webhook.values.text import printable

_STYLES: Final = {"complete": "green", "running": "cyan", "loading": "cyan", "failed": "bold red"}


def table(status: ClusterStatus, console: Console) -> None:
    """Print which pods read which models, the loaders, the nodes, and what could not be read."""
    models = tables.rows(
        ("MODEL", "REVISION", "FROM", "PODS", "NODES"), wide=("MODEL", "REVISION", "FROM")
    )
    for one in status.models:
        cells = (one.model, one.revision, one.source, str(len(one.pods)), _nodes(one, status))
        tables.add(models, cells)
    tables.show(models, console, "Models that pods read")
    _loaders(status, console)
    nodes = tables.rows(("LABEL", "MODEL", "NODES"), wide=("MODEL", "NODES"))
    for label, found in status.nodes.items():
        tables.add(nodes, (label, status.labels.get(label, "not known"), ", ".join(found)))
    tables.show(nodes, console, "Nodes that hold a model")
    if not any((status.models, status.loaders, status.nodes, status.unread)):
        console.print("no pod reads a model, and no loader loads one")
    for said in status.unread:
        text = Text.assemble(("not looked at: ", "yellow"), printable(said))
        console.print(text, soft_wrap=True)


def _nodes(one: Read, status: ClusterStatus) -> str:
    if one.label is None:
        return ""
    return f"{len(status.nodes.get(one.label, ()))} of {status.node_count}"


def _loaders(status: ClusterStatus, console: Console) -> None:
    loaders = tables.rows(("STATE", "LOADER", "MODEL", "SAYS"), wide=("LOADER", "MODEL", "SAYS"))
    for one in status.loaders:
        name = f"{one.kind.lower()} {one.name}"
        state = Text(one.state, _STYLES.get(one.state, ""))
        tables.add(loaders, (state, name, one.source.removeprefix("hf://"), one.said))
        for pod in one.pods:
            where = f"pod {pod.pod.partition('/')[2]}" + (f" on {pod.node}" if pod.node else "")
            tables.add(loaders, (f"  {pod.state}", where, "", _said(pod)))
    tables.show(loaders, console, "Loaders")


def _said(pod: PodState) -> str:
    if (now := pod.progress) is None:
        return pod.said
    return f"{now.percent}% of {rounded(now.total)}, {now.rate / 1e6:.1f} MB/s"


def as_json(status: ClusterStatus) -> bytes:
    """Return the models of the cluster as JSON; sizes in bytes, rates in bytes a second."""
    models = [
        {
            "model": one.model,
            "revision": one.revision,
            "from": one.source,
            "pods": one.pods,
            "nodes": status.nodes.get(one.label, ()) if one.label else None,
        }
        for one in status.models
    ]
    nodes = [
        {"label": label, "model": status.labels.get(label), "nodes": found}
        for label, found in status.nodes.items()
    ]
    loaders = [_loader(one) for one in status.loaders]
    return tables.as_json(
        {"models": models, "loaders": loaders, "nodes": nodes, "notLookedAt": status.unread}
    )


def _loader(one: Loader) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(one)
    return found
