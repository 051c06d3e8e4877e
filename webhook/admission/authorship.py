"""Decide whether a person wrote an annotation into a pod template, or we copied it there.

The list of copied keys says what we copied once. A person may have written the same value
since. The object keeps evidence of that: managedFields of server-side apply (Flux, Helm 4,
Argo CD), and the manifest that kubectl apply and Argo CD record.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.admission.request.annotations import PREFIX
from webhook.objects.json import Json
from webhook.objects.workload import LAST_APPLIED, ManagedFields, Path, Template, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A request that creates or changes a workload."""

    operation: str = "CREATE"
    old: Workload | None = None
    """The workload before the request; None if it is created."""
    field_manager: str = ""
    """The field manager that the request names."""


def wrote(workload: Workload, template: Template, key: str, change: Change) -> bool:
    """Whether the value of *key* in *template* is known to be from its author."""
    name = PREFIX + key
    return any(
        _owns(entry, template, name, change.field_manager) for entry in _appliers(workload)
    ) or _applied(workload, template, name)


def is_applied(workload: Workload, change: Change) -> bool:
    """Whether the request is a server-side apply, which holds only what its manager wrote."""
    return any(entry.manager == change.field_manager for entry in _appliers(workload))


def put_back(workload: Workload, template: Template, key: str, change: Change) -> bool:
    """Whether kubectl rollout undo wrote the value of *key* in *template*.

    It names no field manager, so the API server calls it kubectl. All other commands of
    kubectl name theirs (kubectl-edit, kubectl-patch, …).
    """
    return not change.field_manager and any(
        entry.manager == "kubectl"
        and entry.operation == "Update"
        and _owns(entry, template, PREFIX + key, "")
        for entry in workload.metadata.managed_fields or ()
    )


def _appliers(workload: Workload) -> Iterator[ManagedFields]:
    fields = workload.metadata.managed_fields or ()
    return (entry for entry in fields if entry.operation == "Apply")


def _owns(entry: ManagedFields, template: Template, name: str, applier: str) -> bool:
    """Whether *entry* says that its manager wrote *name*, itself or within a list.

    Lists of custom resources are often atomic: their manager owns all of the list, what we
    copied into it included. So only a list that this very request applied is evidence.
    *applier*: the manager of this request.
    """
    if not isinstance(entry.fields, dict):
        return False
    node: Json = entry.fields
    path: Path = (*template.annotations_path, name)
    for i, step in enumerate(path, 1):
        if not node:
            in_a_list = any(isinstance(later, int) for later in path[i - 1 :])
            return in_a_list and entry.manager == applier
        found = node.get(f"f:{step}")
        if isinstance(step, int):
            found = _of_item(node, template.identities.get(path[:i], {}))
        if not isinstance(found, dict):
            return False
        node = found
    return True


def _of_item(node: Json, item: Json) -> Json | None:
    """Return the fields of *item* below *node*, which names items by their keys (k:{…})."""
    for name, fields in node.items():
        if name.startswith("k:"):
            key = json.loads(name.removeprefix("k:"))
            if isinstance(key, dict) and all(item.get(k) == v for k, v in key.items()):
                return fields if isinstance(fields, dict) else None
    return None


def _applied(workload: Workload, template: Template, name: str) -> bool:
    """Whether the recorded manifest has the value that *template* has."""
    text = workload.annotations.get(LAST_APPLIED)
    if text is None:
        return False
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return False
    for step in (*template.annotations_path, name):
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value is not None and value == (template.annotations or {}).get(name)
