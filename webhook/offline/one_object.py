"""Admit one object as the cluster would, without asking it."""

from typing import Any, Final

from webhook.admission.admit import EXCLUDED
from webhook.admission.decision import Skip, SkipReason
from webhook.admission.request.annotations import PREFIX
from webhook.admission.workload import KINDS
from webhook.documents.aliases import unshared
from webhook.documents.plain import plain
from webhook.objects.json import Json
from webhook.objects.pod import Pod
from webhook.objects.workload import Workload
from webhook.offline.outcome import Misshapen, Outcome
from webhook.offline.snapshot import Snapshot
from webhook.offline.template import admitted
from webhook.values.shape import Fault, faults

POD: Final = "Pod"
VERSIONS: Final = {
    POD: "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}
"""Kind → its apiVersion."""


def _concerns_us(value: Any) -> bool:  # noqa: ANN401  # any JSON value
    """Whether a mapping in *value* has one of our keys."""
    match value:
        case dict():
            return any(key.startswith(PREFIX) or _concerns_us(v) for key, v in value.items())
        case list():
            return any(map(_concerns_us, value))
        case _:
            return False


def _name(kind: str, content: Json) -> str:
    metadata = content.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    return f"{kind.lower()}/{metadata.get('name') or metadata.get('generateName') or ''}"


def admit_object(document: Any, world: Snapshot) -> Outcome | None:  # noqa: ANN401
    """Return the outcome for one object; None if it does not concern us.

    Raises Misshapen with every value of the wrong type, and ValueError if
    kubectl could not send the object at all.
    """
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(kind, str) or kind not in VERSIONS:
        return None
    content = plain(document)
    version = content.get("apiVersion")
    if not _concerns_us(content) or _group(version) not in (None, _group(VERSIONS[kind])):
        return None
    name = _name(kind, content)
    found = list(faults(content, Workload if kind in KINDS else Pod))
    if version != VERSIONS[kind]:
        found.insert(0, Fault(("apiVersion",), f"must be {VERSIONS[kind]} for a {kind}"))
    if found:
        raise Misshapen(name, found)
    before = unshared(document)
    namespace = (content.get("metadata") or {}).get("namespace") or world.namespace
    outcome = Outcome(
        name=name,
        is_pod=kind == POD,
        before=before,
        after=before,
        decision=Skip(reason=SkipReason.EXCLUDED_NAMESPACE),
    )
    return outcome if namespace in EXCLUDED else admitted(outcome, kind, content, namespace, world)


def _group(version: Any) -> str | None:  # noqa: ANN401  # any JSON value
    if not isinstance(version, str):
        return None
    return version.rpartition("/")[0]
