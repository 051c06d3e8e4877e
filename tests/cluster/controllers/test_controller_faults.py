"""What a controller does when the API server, or a proxy before it, fails."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.controllers.place import Place, assert_trusted
from tests.kubernetes.controllers import Controller
from tests.kubernetes.faulty_proxy import FaultyProxy, Spoilt
from tests.kubernetes.registration import wait_until

EXPIRED = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410}
WATCHES = {
    "ends at once": Spoilt(),
    "is refused as too old": Spoilt(410, json.dumps(EXPIRED).encode()),
    "says that it is too old": Spoilt(
        200, json.dumps({"type": "ERROR", "object": EXPIRED}).encode()
    ),
    "is refused for overload": Spoilt(429, b"later", {"Retry-After": "1"}),
    "is refused by a fault": Spoilt(500, b"no"),
    "is forbidden": Spoilt(403, b"{}"),
    "yields only bookmarks": Spoilt(200, b'{"type":"BOOKMARK","object":{"metadata":{}}}\n' * 9),
    "is cut in the middle": Spoilt(200, b'{"type":"MODIF', {"Content-Length": "5000"}),
    "is not JSON": Spoilt(200, b"<html>" * 1000),
}
FEW = 60
"""A number of requests; without pauses there would be thousands."""


@pytest.fixture
def proxy(place: Place, tmp_path: Path) -> Iterator[FaultyProxy]:
    with FaultyProxy(place.plane, tmp_path) as found:
        yield found


@pytest.mark.parametrize("watch", WATCHES.values(), ids=WATCHES.keys())
def test_a_change_is_seen_with_few_requests_if_a_watch(
    place: Place, proxy: FaultyProxy, watch: Spoilt
) -> None:
    # P1 68, c42
    proxy.spoil = lambda _, path: watch if "watch=true" in path else None
    with Controller(place.plane, place.options(), proxy.kubeconfig) as controller:
        wait_until(controller.ready, "ready without a registration")
        place.register()
        wait_until(lambda: bool(place.trusted()), "the change is seen")
        assert_trusted(place, [controller])
        # The message follows the write: a controller that is ended in between does not send it.
        wait_until(lambda: bool(controller.patches()), "the write is reported")
    assert 2 <= proxy.calls["WATCH"] < FEW
    assert proxy.calls["GET"] < FEW
    assert controller.patches() == ["ok"]
    assert not controller.events("fault")


@pytest.mark.parametrize("code", [409, 429, 500, 503])
def test_a_bundle_is_written_after_writes_that_failed_with(
    place: Place, proxy: FaultyProxy, code: int
) -> None:
    # c39, c40
    left = [3]

    def spoil(method: str, _: str) -> Spoilt | None:
        if method != "PATCH" or not left[0]:
            return None
        left[0] -= 1
        return Spoilt(code, json.dumps({"message": "not now"}).encode())

    proxy.spoil = spoil
    place.register()
    with Controller(place.plane, place.options(), proxy.kubeconfig) as controller:
        wait_until(controller.ready, "ready", 40)
        assert_trusted(place, [controller])
    assert Counter(controller.patches()) == {"ok": 1, "conflict" if code == 409 else "error": 3}
    assert proxy.calls["PATCH"] == 4


def test_if_no_api_server_answers_at_first_it_says_so_and_waits(
    place: Place, tmp_path: Path
) -> None:
    # c43
    place.register()
    later = FaultyProxy(place.plane, tmp_path)
    with Controller(place.plane, place.options(), later.kubeconfig) as controller:
        wait_until(lambda: "api-server" in controller.state.concerns, "it says so")
        assert "refused" in controller.state.missing["certificate"]
        with later:
            wait_until(controller.ready, "ready", 40)
            assert_trusted(place, [controller])
            assert controller.state.missing == controller.state.concerns == {}
