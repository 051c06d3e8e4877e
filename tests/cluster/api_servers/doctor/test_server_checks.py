"""Checks of the API server: its version, its clock, and missing rights."""

import datetime as dt
import json

import pytest

from tests.cluster.api_servers.doctor.asking import (
    ERROR,
    OK,
    WARNING,
    check,
    found,
    installation,
    physician,
    shown,
)
from tests.kubernetes.control_plane import ControlPlane
from webhook.api_server.answer import Answer
from webhook.api_server.client import Api
from webhook.doctor.diagnosis import CHECKS, diagnosis
from webhook.doctor.finding import Level
from webhook.doctor.installation import Installation, Names

NOW = dt.datetime.now(dt.UTC)


def test_a_server_that_answers_is_shown_with_its_version(cluster: ControlPlane) -> None:
    (one,) = found(cluster, "server")
    shown([one], OK, f"Kubernetes {cluster.version()} at {cluster.url}")


@pytest.mark.parametrize(
    ("major", "minor", "level", "seen"),
    [
        ("1", "30", OK, "Kubernetes v1.30.1"),
        ("1", "29+", WARNING, "ValidatingAdmissionPolicies are not stable before 1.30"),
        ("1", "28", ERROR, "it can't compile the matchConditions"),
    ],
)
def test_findings_about_a_server_follow_from_its_version(
    cluster: ControlPlane, major: str, minor: str, level: Level, seen: str
) -> None:
    asked = installation(cluster)
    body = {"major": major, "minor": minor, "gitVersion": f"v{major}.{minor}.1"}
    asked.version = Answer(200, json.dumps(body).encode(), (), NOW, NOW)
    (one,) = check("server").run(asked)
    shown([one], level, seen, "" if level is OK else "1.30 or later")


def test_the_servers_clock_is_read_from_its_answer(cluster: ControlPlane) -> None:
    (one,) = found(cluster, "clock")
    shown([one], OK, "agrees with ours")
    assert abs(installation(cluster).clock_ahead) < dt.timedelta(seconds=20)


@pytest.mark.parametrize(
    ("seconds", "level", "seen"),
    [
        (29, OK, "agrees with ours"),
        (-29, OK, "agrees with ours"),
        (31, WARNING, "is 31 s ahead of ours"),
        (-86400, WARNING, "is 86400 s behind ours"),
    ],
)
def test_findings_about_a_clock_follow_from_its_difference(
    cluster: ControlPlane, seconds: int, level: Level, seen: str
) -> None:
    asked = installation(cluster)
    asked.version = Answer(200, b"{}", (), NOW + dt.timedelta(seconds=seconds), NOW)
    (one,) = check("clock").run(asked)
    shown([one], level, seen, "" if level is OK else "NTP")
    assert abs((asked.now() - dt.datetime.now(dt.UTC)).total_seconds() - seconds) < 1


def test_an_answer_without_a_date_has_no_clock(cluster: ControlPlane) -> None:
    asked = installation(cluster)
    asked.version = Answer(200, b"{}", (), None, NOW)
    (one,) = check("clock").run(asked)
    shown([one], WARNING, "has no Date", "not through a proxy")


def test_each_check_reports_a_missing_right(cluster: ControlPlane) -> None:
    nobody = cluster.authority.sign("nobody")
    api = Api(cluster.write_kubeconfig("nobody", nobody))
    findings = list(diagnosis(Installation(api, Names()), lambda _: None))
    refused = {one.check: one.finding for one in findings if "not looked at" in one.finding.seen}
    assert {one.name for one in CHECKS} - refused.keys() == {"server", "clock"}
    for name, finding in refused.items():
        assert finding.level is WARNING
        assert 'User "nobody" cannot' in finding.seen
        assert all(may in finding.fix for may in check(name).may)


def test_what_each_check_needs_is_enough(cluster: ControlPlane) -> None:
    findings = list(diagnosis(Installation(Api(physician(cluster)), Names()), lambda _: None))
    assert {one.check for one in findings} == {one.name for one in CHECKS}
    assert not [one for one in findings if "not looked at" in one.finding.seen]
