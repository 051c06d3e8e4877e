"""A certificate in files that is renewed while the webhook serves: always valid, without a stop."""

import datetime as dt
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.authority import Authority, Leaf, pem
from certs.lifetime import Times
from tests.server.connection import request
from tests.server.harness import PairFiles, Server, came_about, eventually
from tests.server.reviews import body

DAY = dt.timedelta(days=1)
RELOADS = "modelcache_certificate_reloads_total"
END = "modelcache_certificate_not_after_timestamp_seconds"


class Renewed:
    """A server whose certificate files the test writes."""

    def __init__(self, folder: Path) -> None:
        now = dt.datetime.now(dt.UTC)
        self.authority = Authority.make("renewal", Times(now, now), 52 * DAY)
        self.files = PairFiles(folder / "ca.pem", folder / "tls.crt", folder / "tls.key")
        self.files.ca.write_bytes(pem(self.authority.certificate))
        self.write(self.leaf())
        self.server = Server(self.files, "--shutdown-delay", "0")

    def leaf(self, lifetime: dt.timedelta = DAY, *, ago: dt.timedelta = 0 * DAY) -> Leaf:
        then = dt.datetime.now(dt.UTC) - ago
        return self.authority.sign(["localhost", "127.0.0.1"], Times(then, then), lifetime)

    def write(self, leaf: Leaf) -> None:
        self.files.certificate.write_bytes(leaf.certificate)
        self.files.key.write_bytes(leaf.key)

    def serial(self) -> str:
        """Return the serial number of the certificate that a new connection gets."""
        with self.server.connect() as connection:
            assert isinstance(connection.socket, ssl.SSLSocket)
            shown = connection.socket.getpeercert()
            assert shown
            return str(shown["serialNumber"])

    def refused(self) -> float:
        return self.server.metric(RELOADS, result="error")


@pytest.fixture
def renewed(tmp_path: Path) -> Iterator[Renewed]:
    found = Renewed(tmp_path)
    yield found
    found.server.stop()


def test_new_connections_get_the_new_certificate_and_open_ones_continue(renewed: Renewed) -> None:
    # P0 27, P1 65
    before = renewed.serial()
    with renewed.server.connect() as old:
        leaf = renewed.leaf(2 * DAY)
        renewed.write(leaf)
        eventually(lambda: renewed.serial() != before)
        old.send(request(body()))
        assert old.answer().status == 200
    assert renewed.server.metric(END, kind="leaf") == pytest.approx(leaf.end.timestamp())
    assert renewed.server.metric(RELOADS, result="ok") == 2


def test_a_volume_whose_link_is_replaced_is_read_again(tmp_path: Path) -> None:
    # c38
    first, second = tmp_path / "..1", tmp_path / "..2"
    first.mkdir()
    renewed = Renewed(first)
    (tmp_path / "..data").symlink_to(first.name)
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    renewed.server.stop()
    renewed.files = PairFiles(renewed.files.ca, tmp_path / "tls.crt", tmp_path / "tls.key")
    renewed.server = Server(renewed.files, "--shutdown-delay", "0")
    before = renewed.serial()
    leaf = renewed.leaf()
    second.mkdir()
    (second / "tls.crt").write_bytes(leaf.certificate)
    (second / "tls.key").write_bytes(leaf.key)
    (tmp_path / "..data_tmp").symlink_to(second.name)
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    eventually(lambda: renewed.serial() != before)
    renewed.server.stop()


@pytest.mark.parametrize("damage", ["key of another", "half written", "empty", "gone", "expired"])
def test_if_a_pair_cannot_be_served_the_previous_one_stays_in_use(
    renewed: Renewed, damage: str
) -> None:
    # P1 56, P1 58, c37
    before = renewed.serial()
    other = renewed.leaf(DAY, ago=2 * DAY) if damage == "expired" else renewed.leaf()
    files = renewed.files
    if damage == "expired":
        renewed.write(other)
    elif damage == "key of another":
        files.certificate.write_bytes(other.certificate)
    elif damage == "half written":
        files.certificate.write_bytes(other.certificate[:300])
    elif damage == "empty":
        files.key.write_bytes(b"")
    else:
        files.certificate.unlink()
    eventually(lambda: renewed.refused() == 1)
    assert renewed.serial() == before
    assert renewed.server.health("/readyz").status == 200
    eventually(lambda: renewed.server.events("certificate refused"))
    (event,) = renewed.server.events("certificate refused")
    assert str(files.certificate) in event["reason"]
    assert "can't be served" in event["reason"]
    renewed.write(renewed.leaf())
    eventually(lambda: renewed.serial() != before)
    assert renewed.refused() == 1


def test_a_fault_that_lasts_is_logged_once(renewed: Renewed) -> None:
    # P1 56
    renewed.files.key.write_bytes(b"garbage")
    eventually(lambda: renewed.refused() == 1)
    assert not came_about(lambda: renewed.refused() > 1, 5)


def test_a_certificate_that_expires_while_it_is_served_is_no_longer_served(
    renewed: Renewed,
) -> None:
    # P0 36, P1 87, c35
    before = renewed.serial()
    renewed.write(renewed.leaf(dt.timedelta(seconds=5)))
    eventually(lambda: renewed.serial() != before)
    eventually(lambda: renewed.server.health("/readyz").status == 503)
    said = renewed.server.health("/readyz").json
    assert said["missing"]["certificate"].startswith("it expired at ")
    with pytest.raises(ssl.SSLError, match=r"EXPIRED|EOF"):  # an alert, unless the end is faster
        renewed.serial()
    assert renewed.server.health("/livez").status == 200
    renewed.write(renewed.leaf())
    eventually(lambda: renewed.server.health("/readyz").status == 200)
    assert renewed.serial() != before
