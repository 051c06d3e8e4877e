"""Pods that are created while the webhook is being switched off are never refused."""

import threading
from collections.abc import Callable

import pytest

from tests.cluster.api_servers.chart.rendering import kustomized
from tests.kubernetes import helm
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.creations import asking, is_injected
from tests.kubernetes.registration import (
    GROUP,
    PLUGINS,
    REQUIRED,
    NamespaceFactory,
    settle,
    wait_until,
)
from tests.kubernetes.server import WebhookFactory

Round = Callable[[ControlPlane], None]


def by_kubectl(plane: ControlPlane) -> None:
    """Delete the objects in the order of the base."""
    for obj in kustomized():
        if obj["kind"] in PLUGINS:
            plane.api.delete(obj).expect(200)


def by_helm(plane: ControlPlane) -> None:
    """Delete as helm runs its hooks: each hook replaces the object that it deletes, then is deleted."""
    hooks = helm.objects({}, "--show-only", "templates/uninstall.yaml")
    hooks.sort(key=lambda obj: int(obj["metadata"]["annotations"]["helm.sh/hook-weight"]))
    for obj in hooks:
        plane.api.delete(obj).expect(200)
        plane.api.create(obj).expect(201)
    for obj in reversed(hooks):
        plane.api.delete(obj).expect(200)


# P1 90
@pytest.mark.parametrize(
    ("server", "switch_off"),
    [("cluster", by_kubectl), ("cluster", by_helm), ("old_cluster", by_kubectl)],
)
def test_no_pod_is_refused_while_the_webhook_is_switched_off(
    server: str,
    switch_off: Round,
    webhook_on: WebhookFactory,
    namespace: NamespaceFactory,
    request: pytest.FixtureRequest,
) -> None:
    plane: ControlPlane = request.getfixturevalue(server)
    webhook_on(plane)
    where = namespace(on=plane)
    bodies: list[Object] = []
    refusals: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            answer = plane.api.create(asking(where), dry_run=True)
            if answer.ok:
                bodies.append(answer.body)
            else:
                refusals.append(answer.message)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        wait_until(lambda: len(bodies) > 50, "pods are being created")
        assert all(map(is_injected, bodies))
        switch_off(plane)
        wait_until(
            lambda: len(bodies) > 50 and not any(map(is_injected, bodies[-50:])), "switched off"
        )
    finally:
        over.set()
        for asker in askers:
            asker.join()
    assert refusals == []


def test_pods_are_refused_after_the_registration_alone_was_deleted(
    cluster: ControlPlane, webhook_on: WebhookFactory, namespace: NamespaceFactory
) -> None:
    """The policies hold without it, since someone may have deleted it by mistake."""
    webhook_on(cluster)
    where = namespace()
    registered = (
        cluster.api.get(GROUP, "MutatingWebhookConfiguration", "zz-modelcache").expect().body
    )
    cluster.api.delete(registered).expect(200)
    settle(cluster, PLUGINS)
    answer = cluster.api.create(asking(where), dry_run=True)
    assert "(kubectl get mutatingwebhookconfiguration zz-modelcache)" in answer.message
    required = cluster.api.get(GROUP, "MutatingWebhookConfiguration", REQUIRED).expect().body
    cluster.api.delete(required).expect(200)
    wait_until(lambda: cluster.api.create(asking(where), dry_run=True).ok, "nothing is required")
