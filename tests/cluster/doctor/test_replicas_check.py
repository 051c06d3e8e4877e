"""What is made of what replicas say of themselves; on nodes they are asked in test_installed.py."""

import pytest

from tests.cluster.doctor.asking import OK, WARNING
from webhook import __version__
from webhook.doctor.replicas import _missing, _same


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        ('{"ready": true, "missing": {}}', ""),
        ('{"ready": false, "missing": {"draining": "told to stop"}}', "draining: told to stop"),
        ('{"missing": {"a": "b", "c": "d"}}', "a: b, c: d"),
        ("404 page not found", "what answers on its health port is no modelcache"),
        ("[]", "what answers on its health port is no modelcache"),
        ('{"missing": 1}', "what answers on its health port is no modelcache"),
    ],
)
def test_a_replica_says_why_it_is_not_ready(answer: str, missing: str) -> None:
    assert _missing(answer) == missing


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
