"""The rights of a controller, what it reports without them, and when it lets policies refuse."""

import time

import msgspec
import pytest

from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.controllers import Controller, controllers
from tests.kubernetes.registration import GROUP, NamespaceFactory, wait_until
from tests.kubernetes.rights import Bound


def test_the_rights_that_the_readme_lists_are_enough(bound: Bound) -> None:
    # P1 61
    bound.register()
    bound.bind("Audit")
    bound.endpoint(ready=True)
    with controllers(bound.plane, bound.options, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: controller.state.enforcing, "enforcing", 60)
        assert controller.state.concerns == {}
        secret = bound.plane.api.get("v1", "Secret", "authorities", bound.namespace).expect().body
        bound.plane.api.delete(secret).expect()
        wait_until(lambda: len(controller.events("authorities written")) == 2, "written again")


@pytest.mark.parametrize(
    "kind", ["ClusterRoleBinding", "RoleBinding"], ids=["registration", "secret"]
)
def test_rights_withdrawn_are_reported_and_replicas_keep_serving(bound: Bound, kind: str) -> None:
    # P1 66
    bound.register()
    bound.bind("Audit")
    bound.endpoint(ready=True)
    (right,) = [obj for obj in bound.grants if obj["kind"] == kind]
    with controllers(bound.plane, bound.options, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: controller.state.enforcing, "enforcing", 60)
        bound.plane.api.delete(right).expect()
        wait_until(lambda: bool(controller.state.concerns), "reported", 60)
        assert controller.ready()
        assert "is forbidden" in " ".join(controller.state.concerns.values())
        assert controller.process.poll() is None
        bound.plane.api.create(right).expect(201)
        wait_until(lambda: not controller.state.concerns, "no concern left", 60)


def test_a_new_replica_without_rights_is_not_ready_and_says_which_it_lacks(
    cluster: ControlPlane, namespace: NamespaceFactory
) -> None:
    # P0 36, P1 66
    bound = Bound(cluster, namespace())
    bound.register()
    with Controller(bound.plane, bound.options, bound.kubeconfig) as controller:
        wait_until(lambda: controller.state.reached, "reported")
        assert set(controller.state.missing) == {"certificate"}
        assert "read Secret authorities: 403" in controller.state.concerns["certificates"]
        assert "MutatingWebhookConfiguration" in controller.state.concerns["registration"]
        bound.grant()
        wait_until(controller.ready, "ready", 60)


@pytest.mark.parametrize("before", [["Audit"], ["Warn"], ["Warn", "Audit"]])
def test_a_policy_denies_once_a_replica_is_ready_and_not_before(
    bound: Bound, before: list[str]
) -> None:
    # P1 91
    bound.register()
    bound.bind(*before)
    bound.endpoint(ready=False)
    with controllers(bound.plane, bound.options, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: controller.state.reached, "looked")
        assert not controller.state.enforcing
        assert bound.actions() == set(before)
        bound.endpoint(ready=True)
        wait_until(lambda: controller.state.enforcing, "enforcing", 60)
        assert bound.actions() == {*before, "Deny"} - {"Warn"}


def test_a_policy_denies_only_after_creations_that_began_before_have_ended(bound: Bound) -> None:
    # P1 91: nodes route to the replica, and creations that missed it have ended
    bound.register(timeout=4)
    bound.bind("Audit")
    options = msgspec.structs.replace(bound.options, enforce_after_seconds=2)
    with controllers(bound.plane, options, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: controller.state.reached, "looked")
        began = time.monotonic()
        bound.endpoint(ready=True)
        wait_until(lambda: controller.state.enforcing, "enforcing", 60)
    assert time.monotonic() - began >= 2 + 4


def test_if_the_bundle_is_not_ours_a_policy_denies_once_it_is_there_and_not_before(
    bound: Bound,
) -> None:
    # P1 65, P1 91
    bound.register()
    bound.bind("Audit")
    bound.endpoint(ready=True)
    options = msgspec.structs.replace(bound.options, secret=None)
    with controllers(bound.plane, options, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(
            lambda: "caBundle" in controller.state.concerns.get("enforcement", ""), "reported"
        )
        time.sleep(4)
        assert bound.actions() == {"Audit"}
        bound.trust(bound.plane.authority.pem)
        wait_until(lambda: controller.state.enforcing, "enforcing", 60)
        assert controller.state.concerns == {}


def test_a_policy_that_is_applied_again_denies_again(bound: Bound) -> None:
    # P1 64
    bound.register()
    bound.bind("Audit")
    bound.endpoint(ready=True)
    with controllers(bound.plane, bound.options, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: controller.state.enforcing, "enforcing", 60)
        live = bound.plane.api.get(GROUP, "ValidatingAdmissionPolicyBinding", bound.name).body
        bound.plane.api.replace(live | {"spec": bound.binding("Audit")["spec"]}).expect()
        wait_until(lambda: "Deny" in bound.actions(), "denies again", 60)


def test_failure_policy_becomes_fail_once_a_replica_is_ready_if_an_option_says_so(
    bound: Bound,
) -> None:
    # P1 91
    bound.register()
    bound.bind("Audit")
    with controllers(bound.plane, bound.options, kubeconfig=bound.kubeconfig):
        bound.endpoint(ready=True)
        wait_until(lambda: "Deny" in bound.actions(), "enforcing", 60)
        assert bound.registered()["failurePolicy"] == "Ignore"
    with controllers(bound.plane, bound.strict, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: controller.state.enforcing, "enforcing", 60)
        assert bound.registered()["failurePolicy"] == "Fail"
        assert bound.registered()["clientConfig"]["caBundle"]
        time.sleep(2)  # the API server notes whole seconds
        with controllers(bound.plane, bound.options, kubeconfig=bound.kubeconfig):
            wait_until(lambda: bound.registered()["failurePolicy"] == "Ignore", "reset", 60)
            generation = bound.generation()
            time.sleep(4)  # time for both to look
            assert bound.registered()["failurePolicy"] == "Ignore", "the newer replica wins"
            assert bound.generation() == generation


def test_a_failure_policy_that_somebody_else_has_set_is_kept(bound: Bound) -> None:
    # P1 63
    bound.register(failure_policy="Fail")
    bound.bind("Audit")
    bound.endpoint(ready=True)
    with controllers(bound.plane, bound.options, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: controller.state.enforcing, "enforcing", 60)
        assert bound.registered()["failurePolicy"] == "Fail"


def test_a_binding_that_does_not_exist_is_reported(bound: Bound) -> None:
    bound.register()
    bound.endpoint(ready=True)
    with controllers(bound.plane, bound.options, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: bool(controller.state.concerns), "reported")
        assert bound.name in controller.state.concerns["enforcement"]
        assert not controller.state.enforcing
