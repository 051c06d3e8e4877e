"""A manifest that is applied again and again: what its author wrote stays, and copies follow.

The simulated API server merges manifests as kubectl apply does, from the client (with the
recorded manifest) or on the server (with managedFields), and calls the webhook twice per request,
as reinvocation may. tests/cluster/api_servers/test_repeated_apply.py does it with a real one.
"""

import copy
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.admission.admitting import PREFIX, Json, Webhook

KEYS = ("model", "strategy", "team.example.com/owner")
VALUES = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(("a", "b")))
WEBHOOK = Webhook()
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def named(values: Json) -> Json:
    return {key if "/" in key else PREFIX + key: value for key, value in values.items()}


@dataclass(frozen=True)
class Manifest:
    """The annotations that its author wrote on the workload and in its template."""

    own: Json
    there: Json

    def document(self) -> Json:
        return {
            "metadata": {"annotations": named(self.own)},
            "spec": {"template": {"metadata": {"annotations": named(self.there)}}},
        }


MANIFESTS = st.builds(Manifest, VALUES, VALUES)


@dataclass
class ApiServer:
    """One stored Deployment, and the manifest that was applied last."""

    server_side: bool
    webhook: Webhook
    stored: Json | None = None
    applied: Manifest = field(default_factory=lambda: Manifest({}, {}))

    def apply(self, manifest: Manifest) -> Json:
        old = self.stored
        new = copy.deepcopy(old) if old else deployment()
        before, after = self.applied.document(), manifest.document()
        pruned = self.server_side and self.applied.own and not manifest.own
        if pruned:  # the manager owned the whole map, with what others added
            new["metadata"]["annotations"] = {}
        merge(annotations(new), annotations(before), annotations(after))
        merge(inner(new), inner(before), inner(after))
        if self.server_side:
            new["metadata"]["managedFields"] = [entry(after)]
        else:
            annotations(new)[LAST_APPLIED] = json.dumps(after)
        self.applied = manifest
        options = {"kind": "PatchOptions", "fieldManager": "flux"}
        request: Json = {"options": options, "operation": "UPDATE" if old else "CREATE"}
        first = self.webhook.admit(new, kind="Deployment", oldObject=old, **request)
        again = self.webhook.admit(first.admitted, kind="Deployment", oldObject=old, **request)
        assert again.operations == []
        self.stored = first.admitted
        return first.admitted


def deployment() -> Json:
    spec = {"containers": [{"name": "vllm", "image": "vllm"}]}
    metadata: Json = {"name": "vllm", "annotations": {}}
    template: Json = {"metadata": {"annotations": {}}, "spec": spec}
    return {"apiVersion": "apps/v1", "metadata": metadata, "spec": {"template": template}}


def annotations(document: Json) -> Any:
    return document["metadata"]["annotations"]


def inner(document: Json) -> Any:
    return annotations(document["spec"]["template"])


def merge(live: Json, before: Json, after: Json) -> None:
    """Remove from *live* what the manifest no longer has, and set what it has."""
    for key in before:
        if key not in after:
            live.pop(key, None)
    live.update(after)


def entry(document: Json) -> Json:
    def owned(value: Any) -> Json:
        return {f"f:{k}": owned(v) for k, v in value.items()} if isinstance(value, dict) else {}

    return {"manager": "flux", "operation": "Apply", "fieldsV1": owned(document)}


@pytest.mark.parametrize("server_side", [True, False], ids=["server-side", "client-side"])
@settings(max_examples=60, deadline=None)
@given(manifests=st.lists(MANIFESTS, min_size=1, max_size=5))
def test_whatever_was_applied_before_only_the_last_manifest_counts(
    server_side: bool, manifests: list[Manifest]
) -> None:
    server = ApiServer(server_side, WEBHOOK)
    for manifest in manifests:
        stored = copy.deepcopy(server.apply(manifest))
        ours = {key: value for key, value in named(manifest.own).items() if key.startswith(PREFIX)}
        assert inner(stored) == {**ours, **named(manifest.there)}
        kept = {k: v for k, v in annotations(stored).items() if k != LAST_APPLIED}
        assert kept.pop(PREFIX + "copied-keys", None) != ""
        assert kept == named(manifest.own)
        assert server.apply(manifest) == stored
