"""Findings about the reports of replicas; test_installed.py uses real replicas."""

import pytest

from tests.cluster.api_servers.doctor.asking import OK, WARNING
from webhook import __version__
from webhook.doctor.replicas import _reported, _same

STRANGER = ("what answers on its health port does not answer like modelcache", "")


@pytest.mark.parametrize(
    ("answer", "reported"),
    [
        ('{"ready": true, "missing": {}, "concerns": {}}', ("", "")),
        ('{"ready": false, "missing": {"draining": "by SIGTERM"}}', ("draining: by SIGTERM", "")),
        ('{"missing": {"a": "b", "c": "d"}, "concerns": {}}', ("a: b, c: d", "")),
        ('{"missing": {}, "concerns": {"bundle": "wiped"}}', ("", "bundle: wiped")),
        ("404 page not found", STRANGER),
        ("[]", STRANGER),
        ('{"missing": 1}', STRANGER),
    ],
)
def test_a_replica_reports_what_it_lacks(answer: str, reported: tuple[str, str]) -> None:
    assert _reported(answer) == reported


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ({}, []),
        ({__version__: ["a", "b"]}, [(OK, f"{__version__} (a, b), as this command")]),
        ({"9": ["a"]}, [(WARNING, f"replicas run 9, and this command is {__version__}")]),
        (
            {__version__: ["a"], "9": ["b"]},
            [
                (WARNING, f"replicas differ in version: {__version__} (a), 9 (b)"),
                (WARNING, f"replicas run 9, and this command is {__version__}"),
            ],
        ),
    ],
)
def test_versions_are_compared(
    versions: dict[str, list[str]], expected: list[tuple[object, str]]
) -> None:
    assert [(one.level, one.seen) for one in _same(versions)] == expected
