"""What the controller reports about refusals of pods that the webhook missed."""

import pytest

from tests.kubernetes.controllers import controllers
from tests.kubernetes.registration import mutating, wait_until
from tests.kubernetes.rights import REQUIRED, Bound


@pytest.mark.parametrize("how", ["deleted", "without its label"])
def test_policies_that_are_switched_off_and_on_again_are_reported(bound: Bound, how: str) -> None:
    # README: to switch everything off at once; helm puts one without a label while it uninstalls
    bound.register()
    bound.bind("Audit")
    bound.endpoint(ready=True)
    with controllers(bound.plane, bound.options, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: controller.state.enforcing, "enforcing", 60)
        if how == "deleted":
            bound.release()
        else:
            bound.require()
        wait_until(lambda: not controller.state.enforcing, "switched off", 60)
        assert bound.required in controller.state.concerns["enforcement"]
        assert controller.ready()
        assert bound.actions() == {"Audit", "Deny"}
        bound.require(**REQUIRED)
        wait_until(lambda: controller.state.enforcing, "switched on", 60)
        assert controller.state.concerns == {}


def test_without_a_registration_nothing_is_enforced_if_only_failure_policy_refuses(
    bound: Bound,
) -> None:
    bound.register()
    bound.endpoint(ready=True)
    with controllers(bound.plane, bound.strict, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: controller.state.enforcing, "enforcing", 60)
        bound.plane.api.delete(mutating(bound.name)).expect()
        wait_until(lambda: not controller.state.enforcing, "switched off", 60)
        assert set(controller.state.concerns) == {"registration"}


def test_a_binding_that_the_api_server_does_not_accept_is_reported(bound: Bound) -> None:
    bound.register()
    bound.bind("Audit")
    bound.endpoint(ready=True)
    bound.plane.api.delete(bound.policy).expect()
    with controllers(bound.plane, bound.options, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: bool(controller.state.concerns), "reported", 60)
        assert f"unable to get policy {bound.name}" in controller.state.concerns["enforcement"]
        bound.bind("Audit")
        wait_until(lambda: controller.state.enforcing, "enforcing", 60)
