"""Find the state of a Job or a DaemonSet that loads a model, and of its pods."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from webhook.api_server.client import Api
from webhook.api_server.errors import RequestFailed
from webhook.objects import names
from webhook.objects.json import Json

_PROGRESS: Final = re.compile(r"(\d+) % of (\d+) bytes, ([\d.]+) MB/s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The progress that a loader last logged."""

    percent: int
    total: int
    """Bytes."""
    rate: float
    """Bytes a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodState:
    """One pod of a loader that is not ready."""

    pod: str
    node: str
    state: str
    """As kubectl shows it."""
    said: str = ""
    """The reason of its failure, or the last line of its log."""
    progress: Progress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """A Job or a DaemonSet."""

    kind: str
    name: str
    """NAMESPACE/NAME."""
    source: str
    state: str
    said: str
    pods: tuple[PodState, ...]


def loader(obj: Json, kind: str, pods: Iterable[Json], api: Api) -> Loader:
    """Return the state of *obj*; its pods are those of *pods* that it owns."""
    meta = obj["metadata"]
    own = [pod for pod in pods if meta["uid"] in _owners(pod)]
    state, said = _job(obj) if kind == "Job" else _daemon_set(obj)
    return Loader(
        kind=kind,
        name=f"{meta['namespace']}/{meta['name']}",
        source=(meta.get("annotations") or {}).get(names.LOADER_SOURCE, ""),
        state=state,
        said=said,
        pods=tuple(_states(own, api)),
    )


def _owners(pod: Json) -> set[str]:
    return {owner["uid"] for owner in pod["metadata"].get("ownerReferences") or ()}


def _job(obj: Json) -> tuple[str, str]:
    status = obj.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition["status"] == "True" and condition["type"] in ("Complete", "Failed"):
            said = condition.get("message", "") if condition["type"] == "Failed" else ""
            return condition["type"].lower(), said
    failed = status.get("failed", 0)
    state = "running" if status.get("ready") else "pending"
    return state, _failed_attempts(failed) if failed else ""


def _failed_attempts(count: int) -> str:
    return "1 attempt has failed" if count == 1 else f"{count} attempts have failed"


def _daemon_set(obj: Json) -> tuple[str, str]:
    status = obj.get("status") or {}
    ready, wanted = status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
    return "complete" if wanted and ready == wanted else "loading", f"{ready} of {wanted} nodes"


def _states(pods: Sequence[Json], api: Api) -> Iterator[PodState]:
    """Yield the pods that have failed or are not ready yet."""
    for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["name"])):
        status = pod.get("status") or {}
        if status.get("phase") == "Succeeded" or _ready(status):
            continue
        where = pod["metadata"]["namespace"], pod["metadata"]["name"]
        state, said, runs = _state(status)
        progress = None
        if runs:
            said = _last_line(api, *where)
            if found := _PROGRESS.search(said):
                progress = Progress(
                    percent=int(found[1]), total=int(found[2]), rate=float(found[3]) * 1e6
                )
        yield PodState(
            pod="/".join(where),
            node=(pod["spec"].get("nodeName") or ""),
            state=state,
            said=said,
            progress=progress,
        )


def _ready(status: Json) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in status.get("conditions") or ()
    )


def _state(status: Json) -> tuple[str, str, bool]:
    """Return the state, its reason, and whether the pod is loading."""
    statuses = [
        *(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()),
    ]  # fmt: skip
    for container in statuses:
        state, last = container.get("state") or {}, container.get("lastState") or {}
        ended = state.get("terminated") or last.get("terminated") or {}
        if "running" in state and container["name"] == names.LOAD:
            return "loading", "", True
        if ended.get("exitCode"):
            reason = (state.get("waiting") or {}).get("reason") or ended.get("reason", "Error")
            return reason, _message(ended), False
        waiting = state.get("waiting") or {}
        if waiting.get("reason") not in (None, "PodInitializing"):
            return waiting["reason"], waiting.get("message", ""), False
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return condition.get("reason", "Unschedulable"), condition.get("message", ""), False
    return status.get("reason") or status.get("phase", "Pending"), status.get("message", ""), False


def _message(ended: Json) -> str:
    """Return why a container failed: the last line of its log (FallbackToLogsOnError)."""
    lines = str(ended.get("message") or "").strip().splitlines()
    said = lines[-1].removeprefix("modelcache: ") if lines else ""
    return (
        f"exit status {ended['exitCode']}: {said}" if said else f"exit status {ended['exitCode']}"
    )


def _last_line(api: Api, namespace: str, name: str) -> str:
    try:
        text = api.text(
            "api", "v1", "namespaces", namespace, "pods", name, "log",
            container=names.LOAD, tailLines="1",
        )  # fmt: skip
    except RequestFailed as error:
        return f"its log can't be read: {error}"
    return text.strip().removeprefix("modelcache: ")
