"""The webhook's rights: docs/security.md, the chart and the API server agree."""

import itertools
import re
from collections.abc import Iterable
from typing import Any

import pytest

from tests.cluster.api_servers.chart.rendering import FILES, MANAGED, rendered
from tests.docs import manual
from tests.kubernetes import helm
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory

FAIL: dict[str, Any] = {"failurePolicy": "Fail"}
VIEW = "modelcache-view"
"""A role that no binding of ours gives to anybody: it adds to the role `view`."""
Row = tuple[str, str, str, str]
"""Namespace, resource, names, verbs."""


def rules(values: dict[str, Any] | None = None) -> set[Row]:
    kinds = rendered(values)
    return {
        row(kind, rule)
        for kind in ("Role", "ClusterRole")
        for role in kinds.get(kind, [])
        if role["metadata"]["name"] != VIEW
        for rule in role["rules"]
    }


def row(kind: str, rule: Object) -> Row:
    where = {"Role": "our namespace", "ClusterRole": "cluster"}[kind]
    (group,), (resource,) = rule["apiGroups"], rule["resources"]
    return (
        where,
        code([in_group(resource, group)]),
        code(rule.get("resourceNames", [])),
        code(rule["verbs"]),
    )


def in_group(resource: str, group: str) -> str:
    """Return a resource as kubectl writes it: resource.group/subresource."""
    name, slash, below = resource.partition("/")
    return ".".join(filter(None, [name, group])) + slash + below


def code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def table() -> dict[Row, str]:
    """Return the rows of the table of permissions with their reasons."""
    text = manual.part("permissions")
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in text.strip().splitlines()[2:]]
    # The first cell is the namespace; an empty cell of names is kept.
    return {(where, what, names, verbs): why for where, what, names, verbs, why in rows}


def test_the_manual_gives_a_reason_for_each_permission_and_lists_no_other() -> None:
    modes = [{}, FAIL, FILES, MANAGED, FILES | FAIL]
    assert set(table()) == set().union(*map(rules, modes))
    assert all(len(why) > 10 for why in table().values())


def test_a_webhook_without_a_controller_has_no_rights() -> None:
    assert rules(FILES | {"controller": False}) == set()


FACTS = {
    "cachedmodels.modelcache.io", "cachepolicies.modelcache.io", "limitranges", "namespaces", "nodes",
    "persistentvolumeclaims", "resourcequotas",
}  # fmt: skip


STATUSES = {"cachedmodels.modelcache.io/status", "cachepolicies.modelcache.io/status"}


def test_what_reviews_must_know_is_only_read_and_can_be_left_out() -> None:
    known = {(f"`{kind}`", "`list`, `watch`") for kind in FACTS}
    known |= {(f"`{kind}`", "`patch`") for kind in STATUSES}
    without = rules({"facts": {"enabled": False}})
    assert {(what, verbs) for _, what, _, verbs in rules() - without} == known
    without_nodes = rules({"facts": {"nodes": False}})
    assert {what for _, what, _, _ in rules() - without_nodes} == {"`nodes`"}


def test_no_other_permission_is_for_more_than_a_named_object_but_three() -> None:
    without = {"facts": {"enabled": False}}
    found = rules(without) | rules(FAIL | without)
    wide = {(what, verbs) for _, what, names, verbs in found if not names}
    assert wide == {
        ("`secrets`", "`create`"),
        ("`endpointslices.discovery.k8s.io`", "`list`"),
        ("`events.events.k8s.io`", "`create`"),
    }
    assert not any("*" in cell for line in rules() | rules(FAIL) for cell in line)


Held = set[tuple[str, str, str]]
"""Resource, name, verb."""


def held(plane: ControlPlane, account: str, namespace: str) -> Held:
    """Return what a ServiceAccount may do in a namespace, as the API server lists it."""
    done = plane.kubectl("auth", "can-i", "--list", "--no-headers", "-n", namespace, user=account)
    assert done.returncode == 0, done.stderr
    found: Held = set()
    for line in done.stdout.splitlines():
        cells = re.fullmatch(r"([^\s\[]*)\s*\[(.*?)\]\s+\[(.*?)\]\s+\[(.*?)\]", line.strip())
        assert cells, line
        resource, urls, names, verbs = cells.groups()
        for one, verb in itertools.product((names or urls).split() or [""], verbs.split()):
            found.add((resource, one, verb))
    return found


def granted(values: dict[str, Any], *kinds: str) -> Held:
    """Return what the rendered roles say."""
    everything = rendered(values)
    return {
        (in_group(resource, group), name, verb)
        for kind in kinds
        for role in everything[kind]
        if role["metadata"]["name"] != VIEW
        for rule in role["rules"]
        for group, resource in itertools.product(rule["apiGroups"], rule["resources"])
        for name, verb in itertools.product(rule.get("resourceNames", [""]), rule["verbs"])
    }


# P1 61
@pytest.mark.parametrize(
    "values", [{}, FAIL, FILES, MANAGED], ids=["self", "Fail", "files", "certManager"]
)
def test_the_api_server_grants_that_and_nothing_more(
    values: dict[str, Any], cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    ours, other = namespace(), namespace()
    kinds = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    objects = [obj for obj in helm.objects(values, namespace=ours) if obj["kind"] in kinds]
    account = f"system:serviceaccount:{ours}:modelcache-webhook"
    nobody = f"system:serviceaccount:{ours}:default"
    try:
        for obj in objects:
            cluster.api.apply(obj).expect()
        anybody = held(cluster, nobody, ours)
        assert anybody
        assert held(cluster, account, ours) - anybody == granted(values, "Role", "ClusterRole")
        assert held(cluster, account, other) - anybody == granted(values, "ClusterRole")
        for words in (
            ("get", "secrets", "-n", other),
            ("list", "secrets", "-n", ours),
            ("delete", "mutatingwebhookconfigurations/zz-modelcache"),
            ("patch", "mutatingwebhookconfigurations/another"),
            ("create", "pods", "-n", ours),
        ):
            assert cluster.kubectl("auth", "can-i", *words, user=account).stdout.strip() == "no"
    finally:
        for obj in objects:
            cluster.api.delete(obj).expect(200, 404)
