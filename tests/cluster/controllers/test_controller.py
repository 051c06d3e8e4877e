"""How any number of replicas keep one authority and one bundle, without a leader."""

import base64
import time

import pytest

from tests.cluster.controllers.place import FOREIGN, NAMES, Place, assert_trusted
from tests.kubernetes.api import Object
from tests.kubernetes.controllers import controllers
from tests.kubernetes.registration import wait_until


def test_five_controllers_started_at_once_sign_with_one_authority(place: Place) -> None:
    # P1 59
    place.register()
    with controllers(place.plane, place.options(), 5) as found:
        (authority,) = place.trusted()
        assert authority == place.signs()
        for controller in found:
            controller.leaf.verify_directly_issued_by(authority)
        assert sum(controller.patches().count("ok") for controller in found) == 1
        assert len({controller.leaf.serial_number for controller in found}) == 5


def test_a_bundle_is_written_into_the_entries_with_our_names_and_nothing_else_is(
    place: Place,
) -> None:
    # P0 29, P1 62, P1 63
    place.register()
    before = place.registered()
    with controllers(place.plane, place.options()):
        after = place.registered()
        assert set(place.bundles()) == {FOREIGN, *NAMES}
        assert place.bundles()[FOREIGN] == b""
        for hook in after["webhooks"]:
            hook["clientConfig"].pop("caBundle", None)
        assert after["webhooks"] == before["webhooks"]


@pytest.mark.parametrize(
    "damage", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"]
)
def test_a_bundle_that_is_emptied_or_garbled_is_repaired_with_one_write(
    place: Place, damage: bytes
) -> None:
    # P0 29, P1 63, c34
    place.register()
    with controllers(place.plane, place.options(), 3) as found:
        wanted = place.trusted()
        generation = place.registered()["metadata"]["generation"]
        place.write_bundle(damage)
        wait_until(lambda: place.trusted() == wanted, "repaired")
        time.sleep(0.5)  # for writes that should not come
        assert place.registered()["metadata"]["generation"] == generation + 2
        assert all(controller.ready() for controller in found)


def test_an_authority_that_is_not_ours_is_removed_from_the_bundle(place: Place) -> None:
    # P0 29
    place.register()
    with controllers(place.plane, place.options()):
        wanted = place.trusted()
        place.write_bundle(place.plane.authority.pem, NAMES[0])
        wait_until(lambda: place.trusted() == wanted, "repaired")


def test_a_registration_that_comes_later_or_again_gets_its_bundle(place: Place) -> None:
    # P1 64, c41
    with controllers(place.plane, place.options()) as (controller,):
        assert "registration" in controller.state.concerns
        for _ in range(2):
            place.register()
            wait_until(lambda: bool(place.trusted()), "bundle written")
            wait_until(lambda: not controller.state.concerns, "no concern left")
            place.plane.api.delete(place.registered()).expect()
            wait_until(
                lambda: "registration" in controller.state.concerns, "the concern is reported"
            )


def test_a_deleted_secret_is_replaced_and_every_leaf_stays_trusted(
    place: Place,
) -> None:
    # P0 28, P1 57
    place.register()
    with controllers(
        place.plane, place.options(leaf_seconds=8, authority_seconds=3600), 3
    ) as found:
        (first,) = place.trusted()
        place.plane.api.delete(place.secret()).expect()
        seen: set[int] = set()

        def turned() -> bool:
            seen.add(len(place.trusted()))
            assert_trusted(place, found)
            return first not in place.trusted()

        wait_until(turned, "the first authority is no longer trusted", 90)
        assert seen == {1, 2}
        assert place.trusted() == [place.signs()]


def test_leaves_are_renewed_before_they_expire(place: Place) -> None:
    # P0 27
    place.register()
    with controllers(place.plane, place.options(leaf_seconds=4, authority_seconds=3600)) as (one,):
        serials = set()

        def renewed() -> bool:
            serials.add(one.leaf.serial_number)
            assert time.time() < one.leaf.not_valid_after_utc.timestamp()
            return len(serials) >= 4

        wait_until(renewed, "four leaves", 30)


def test_authorities_follow_each_other_by_themselves(place: Place) -> None:
    # P0 28, c49
    place.register()
    with controllers(place.plane, place.options(leaf_seconds=3, authority_seconds=20), 2) as found:
        signed = set()

        def turned() -> bool:
            signed.add(place.signs())
            assert_trusted(place, found)
            return len(signed) >= 2

        wait_until(turned, "another authority", 120)


@pytest.mark.parametrize(
    "damage",
    [
        {"data": {"ca.crt": "", "ca.key": ""}},
        {"data": {"ca.key": None}},
        {"data": {"ca.crt": base64.b64encode(b"garbage").decode()}},
    ],
    ids=["emptied", "no key", "garbage"],
)
def test_a_secret_that_cannot_sign_is_replaced_and_never_served(
    place: Place, damage: Object
) -> None:
    # P1 58
    place.register()
    with controllers(place.plane, place.options(), 2) as found:
        place.plane.api.merge(place.secret(), damage).expect()
        wait_until(lambda: place.signs() in place.trusted(), "replaced, and trusted")
        assert_trusted(place, found)
    with controllers(place.plane, place.options()) as (newcomer,):
        assert_trusted(place, [newcomer])


def test_a_new_replica_leaves_a_garbled_secret_to_others_for_a_while_and_then_replaces_it(
    place: Place,
) -> None:
    # P1 58
    place.register()
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "authorities", "namespace": place.namespace},
        "data": {"ca.crt": base64.b64encode(b"garbage").decode()},
    }
    place.plane.api.create(secret).expect(201)
    with controllers(place.plane, place.options()) as (controller,):
        assert_trusted(place, [controller])
        (event,) = controller.events("authorities refused")
        assert event.fields == {"reason": "ca.crt or ca.key is missing"}


def test_if_somebody_else_issues_certificates_neither_secret_nor_bundle_is_touched(
    place: Place,
) -> None:
    # P1 65
    place.register()
    before = place.registered()
    with controllers(place.plane, place.options(secret=None)) as (controller,):
        time.sleep(1)
        assert controller.patches() == []
        assert place.registered() == before
    assert place.plane.api.get("v1", "Secret", "authorities", place.namespace).code == 404


def test_the_key_of_the_authority_is_in_no_message(place: Place) -> None:
    # P1 61, P1 86
    place.register()
    with controllers(place.plane, place.options()) as (controller,):
        key = base64.b64decode(place.secret()["data"]["ca.key"]).decode()
        assert key.splitlines()[1] not in repr(controller.messages)
