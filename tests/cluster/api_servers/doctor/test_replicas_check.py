"""What is made of what replicas say of themselves; on nodes they are asked in test_installed.py."""

import pytest

from tests.cluster.api_servers.doctor.asking import OK, WARNING
from webhook import __version__
from webhook.doctor.replicas import _same, _told

STRANGER = ("what answers on its health port is no modelcache", "")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ('{"ready": true, "missing": {}, "concerns": {}}', ("", "")),
        ('{"ready": false, "missing": {"draining": "told"}}', ("draining: told", "")),
        ('{"missing": {"a": "b", "c": "d"}, "concerns": {}}', ("a: b, c: d", "")),
        ('{"missing": {}, "concerns": {"bundle": "wiped"}}', ("", "bundle: wiped")),
        ("404 page not found", STRANGER),
        ("[]", STRANGER),
        ('{"missing": 1}', STRANGER),
    ],
)
def test_a_replica_says_what_it_lacks(answer: str, told: tuple[str, str]) -> None:
    assert _told(answer) == told


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
