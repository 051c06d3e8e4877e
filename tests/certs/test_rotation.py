"""Rotation: how one authority replaces another, with overlap and without losing trust."""

import datetime as dt
from dataclasses import replace
from functools import partial

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from certs.authorities import Authorities, Retired, decode
from certs.authority import Authority, pem
from certs.bundle import certificates, holds, same
from certs.lifetime import BACKDATED, Lives, Times
from certs.rotation import Rotation

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
LIVES = Lives(leaf=7 * DAY, authority=365 * DAY)
ROTATION = Rotation(LIVES, spread=0.0)


def at(later: dt.timedelta) -> Times:
    return Times(NOW + later, NOW + later)


def authority(later: dt.timedelta = dt.timedelta(0)) -> Authority:
    return Authority.make("test", at(later), LIVES.authority)


def never(_: Authority) -> bool:
    return False


def always(_: Authority) -> bool:
    return True


def test_the_first_replica_makes_an_authority_that_signs_at_once() -> None:
    found = ROTATION.wanted(None, None, at(0 * DAY), settled=never)
    assert found.upcoming is None
    assert found.retired == ()
    assert same(found.trusted(), pem(found.signing.certificate))


@pytest.mark.parametrize("days", [0, 100, 243])
def test_nothing_changes_while_nothing_is_due(days: int) -> None:
    found = Authorities(authority())
    assert ROTATION.wanted(found, found, at(days * DAY), settled=always) == found


def test_at_two_thirds_of_its_life_a_next_authority_is_trusted_but_does_not_sign() -> None:
    first = Authorities(authority())
    found = ROTATION.wanted(first, first, at(244 * DAY), settled=never)
    assert found.signing == first.signing
    assert found.upcoming is not None
    assert len(certificates(found.trusted())) == 2


def test_replicas_do_not_all_renew_at_once() -> None:
    first = Authorities(authority())
    day = at(235 * DAY)
    late, early = (
        Rotation(LIVES, spread).wanted(first, first, day, settled=never) for spread in (0, 1)
    )
    assert late.upcoming is None
    assert early.upcoming is not None


def test_a_settled_authority_signs_and_the_last_is_trusted_until_its_leaves_end() -> None:
    last, upcoming = authority(), authority(244 * DAY)
    waiting = Authorities(last, upcoming)
    assert ROTATION.wanted(waiting, waiting, at(245 * DAY), settled=never) == waiting
    found = ROTATION.wanted(waiting, waiting, at(245 * DAY), settled=always)
    assert found.signing == upcoming
    assert found.upcoming is None
    assert holds(found.trusted(), pem(last.certificate))
    during = ROTATION.wanted(found, found, at(252 * DAY), settled=always)
    assert during == found
    after = ROTATION.wanted(found, found, at(253 * DAY), settled=always)
    assert after == Authorities(upcoming)


def test_deleting_the_secret_makes_another_authority_with_an_overlap() -> None:
    # P1 57
    known = Authorities(authority())
    found = ROTATION.wanted(None, known, at(DAY), settled=never)
    assert found.signing == known.signing
    assert found.upcoming is not None


@pytest.mark.parametrize("later", [365 * DAY, -DAY], ids=["expired", "not valid yet"])
def test_an_authority_that_is_not_valid_is_replaced_at_once(later: dt.timedelta) -> None:
    # c35, P1 58
    old = Authorities(authority())
    found = ROTATION.wanted(old, old, at(later), settled=never)
    assert found.signing != old.signing
    assert found.signing.certificate.not_valid_before_utc == NOW + later - BACKDATED
    known = Authorities(authority(), authority(100 * DAY))
    assert ROTATION.wanted(known, known, at(365 * DAY), settled=never).signing == known.upcoming


def test_validity_is_checked_against_the_clock_of_the_api_server() -> None:
    # c35
    found = Authorities(authority())
    for ours in (-400 * DAY, 400 * DAY):
        times = Times(ours=NOW + ours, cluster=NOW + DAY)
        assert ROTATION.wanted(found, found, times, settled=never) == found


@given(
    st.lists(
        st.tuples(
            st.integers(0, 120), st.booleans(), st.sampled_from(["look", "delete", "forget"])
        ),
        max_size=12,
    )
)
def test_at_any_time_what_signs_was_trusted_before_and_what_signed_is_still_trusted(
    steps: list[tuple[int, bool, str]],
) -> None:
    """Leaves live a week, so an authority that signed within the last week must be trusted."""
    now = dt.timedelta(0)
    known = ROTATION.wanted(None, None, at(now), settled=never)
    found: Authorities | None = known
    signed: dict[x509.Certificate, dt.timedelta] = {}
    trusted = known.trusted()
    for days, settled, event in steps:
        if event == "delete":
            found = None
        elif event == "forget" and found:
            found, _ = decode(found.encode())
        signed[known.signing.certificate] = now
        now += days * DAY
        later = ROTATION.wanted(
            found,
            known,
            at(now),
            settled=partial(_settled, settled, trusted),
        )
        held = known.signing.certificate.not_valid_after_utc > NOW + now
        if held:
            assert holds(trusted, pem(later.signing.certificate))
        trusted = later.trusted()
        for certificate, last in signed.items():
            if now - last < LIVES.leaf and certificate.not_valid_after_utc > NOW + now:
                assert holds(trusted, pem(certificate))
        found = known = later


def _settled(long_enough: bool, trusted: bytes, one: Authority) -> bool:
    return long_enough and holds(trusted, pem(one.certificate))


def test_the_content_of_the_secret_is_read_back() -> None:
    until = NOW + DAY
    kept = Authorities(
        authority(), authority(), (Retired(pem(authority().certificate).decode(), until),)
    )
    found, faults = decode(kept.encode())
    assert faults == []
    assert found.encode() == kept.encode()


@pytest.mark.parametrize("key", ["next.crt", "next.key", "retired.json"])
@pytest.mark.parametrize(
    "garbage", [b"", b"{}", b"-----BEGIN CERTIFICATE-----\n", b'[{"until": 1}]']
)
def test_malformed_entries_next_to_a_valid_authority_are_ignored_and_reported(
    key: str, garbage: bytes
) -> None:
    # P1 58
    kept = Authorities(
        authority(), authority(), (Retired(pem(authority().certificate).decode(), NOW),)
    )
    found, faults = decode(kept.encode() | {key: garbage})
    assert len(faults) == 1
    assert faults[0].startswith(("next.crt", "retired.json"))
    assert found.signing.certificate == kept.signing.certificate
    assert (found.upcoming is None) or (found.retired == ())


@pytest.mark.parametrize("key", ["ca.crt", "ca.key"])
@pytest.mark.parametrize("value", [None, b"", b"garbage"])
def test_a_secret_without_an_authority_that_can_sign_is_refused(
    key: str, value: bytes | None
) -> None:
    # P1 58
    data = Authorities(authority()).encode()
    if value is None:
        del data[key]
    else:
        data[key] = value
    with pytest.raises(ValueError, match=r"ca\.crt"):
        decode(data)


def test_a_secret_with_the_key_of_another_authority_is_refused() -> None:
    # P1 58
    mixed = replace(
        Authorities(authority()), signing=Authority(authority().certificate, authority().key)
    )
    with pytest.raises(ValueError, match="key does not belong to its certificate"):
        decode(mixed.encode())


@pytest.mark.parametrize(("leaf", "life"), [(1, 100), (60, 120), (-1, 100), (100, 60)], ids=str)
def test_lifetimes_that_contradict_each_other_are_refused(leaf: int, life: int) -> None:
    with pytest.raises(ValueError, match="must live 3 s or more"):
        Lives(dt.timedelta(seconds=leaf), dt.timedelta(seconds=life))
