"""The Events of the controller: one for each concern that lasts."""

import datetime as dt
import time
from collections.abc import Callable

import msgspec
import pytest

from tests.cluster.controllers.place import Place
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.controllers import controllers
from tests.kubernetes.registration import mutating, wait_until
from tests.kubernetes.rights import Bound
from webhook.api_server.controller_client import ControllerApi
from webhook.controller.clock import Clock
from webhook.controller.installation.events import Events
from webhook.controller.messages import Message
from webhook.controller.options import Options

EVENTS = "events.k8s.io/v1"
SOON = {"lasting_seconds": 1.0, "again_seconds": 2.0}


def events(plane: ControlPlane, namespace: str, reason: str = "") -> list[Object]:
    found = plane.api.list(EVENTS, "Event", namespace)
    return [one for one in found if reason in ("", one["reason"])]


def one_of(plane: ControlPlane, namespace: str, reason: str) -> Object:
    wait_until(lambda: bool(events(plane, namespace, reason)), f"an Event {reason}")
    (found,) = events(plane, namespace, reason)
    return found


def soon(options: Options) -> Options:
    return msgspec.structs.replace(options, **SOON)


@pytest.mark.parametrize("secret", ["authorities", None], ids=["self", "files"])
def test_a_lasting_concern_is_one_event_of_all_replicas(place: Place, secret: str | None) -> None:
    options = soon(place.options(secret=secret, bindings=("nobody",)))
    with controllers(place.plane, options, 2) as found:
        one = one_of(place.plane, place.namespace, "FailedRegistration")
        time.sleep(2 * SOON["again_seconds"])  # for those of the other, and of later looks
        assert events(place.plane, place.namespace, "FailedRegistration") == [one]
        assert [controller.events("event not written") for controller in found] == [[], []]
    assert one["type"] == "Warning"
    assert one["note"] == found[0].state.concerns["registration"]
    assert place.configuration in one["note"]
    assert one["regarding"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "modelcache-webhook",
        "namespace": place.namespace,
    }
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(one["eventTime"])
    assert dt.timedelta() < age < dt.timedelta(minutes=1)
    words = ("--for", "deployment/modelcache-webhook", "-n", place.namespace)
    assert one["note"] in place.plane.kubectl("events", *words).stdout


def test_it_is_written_again_after_the_api_server_has_deleted_it(place: Place) -> None:
    # With a binding that is not enforced, looks are more frequent.
    with controllers(place.plane, soon(place.options(bindings=("nobody",)))):
        one = one_of(place.plane, place.namespace, "FailedRegistration")
        place.plane.api.delete({"apiVersion": EVENTS, "kind": "Event", **one}).expect()
        again = one_of(place.plane, place.namespace, "FailedRegistration")
    assert again["metadata"]["uid"] != one["metadata"]["uid"]
    assert again["metadata"]["name"] == one["metadata"]["name"]


def test_the_first_seconds_of_an_installation_are_no_event(place: Place) -> None:
    with controllers(place.plane, place.options()) as (controller,):
        assert "registration" in controller.state.concerns
        time.sleep(4)  # time to look
    assert events(place.plane, place.namespace) == []


def _withdraw(kind: str) -> Callable[[Bound], object]:
    def withdraw(bound: Bound) -> None:
        (right,) = [obj for obj in bound.grants if obj["kind"] == kind]
        bound.plane.api.delete(right).expect()

    return withdraw


def _occupy(bound: Bound) -> None:
    """Let the Secret be one that can't be replaced."""
    meta = {"name": "authorities", "namespace": bound.namespace}
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
    data = {"username": "", "password": ""}
    basic = {"type": "kubernetes.io/basic-auth", "data": data}

    def occupied() -> bool:
        """The controller may create its Secret anew before this one is there."""
        bound.plane.api.delete(secret).expect(200, 404)
        return bound.plane.api.create(secret | basic).expect(201, 409).code == 201

    wait_until(occupied, "the Secret is another's")


def _switch_off(bound: Bound) -> None:
    bound.release()
    bound.plane.api.delete(mutating(bound.name)).expect()


@pytest.mark.parametrize(
    ("fault", "reason", "note"),
    [
        (_withdraw("ClusterRoleBinding"), "FailedRegistration", "is forbidden"),
        (_occupy, "FailedCertificates", "not of type Opaque"),
        (_switch_off, "FailedEnforcement", "refuse nothing"),
    ],
    ids=["rights withdrawn", "a Secret that can not be replaced", "the emergency line"],
)
def test_each_fault_that_somebody_must_fix_is_an_event(
    bound: Bound, fault: Callable[[Bound], object], reason: str, note: str
) -> None:
    bound.register()
    bound.bind("Audit")
    bound.endpoint(ready=True)
    with controllers(bound.plane, soon(bound.options), kubeconfig=bound.kubeconfig) as (one,):
        wait_until(lambda: one.state.enforcing, "enforcing", 60)
        assert events(bound.plane, bound.namespace) == []
        fault(bound)
        assert note in one_of(bound.plane, bound.namespace, reason)["note"]


def test_without_the_right_to_write_events_it_continues_and_says_so_in_the_log(
    bound: Bound,
) -> None:
    _withdraw("RoleBinding")(bound)
    bound.register()
    options = msgspec.structs.replace(soon(bound.options), secret=None)
    with controllers(bound.plane, options, kubeconfig=bound.kubeconfig) as (controller,):
        wait_until(lambda: bool(controller.events("event not written")), "logged")
        (first, *_) = controller.events("event not written")
        assert "cannot create resource" in first.fields["reason"]
        assert controller.state.reached


def test_no_note_is_longer_than_the_api_server_accepts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    default = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    monkeypatch.setattr(default, str(place.plane.kubeconfig))
    clock = Clock()
    sent: list[Message] = []
    options = place.options(lasting_seconds=0.0, service="s" * 63)
    Events(ControllerApi(clock.heard), clock, options, sent.append).look(
        {"certificates": "é" * 2000}
    )
    note = one_of(place.plane, place.namespace, "FailedCertificates")["note"]
    assert note == "é" * 512
    assert sent == []
