"""How annotations are declared and read."""

import pytest

from webhook.admission.reading import DECLARED
from webhook.admission.request.annotations import PREFIX, asked, read, unknown
from webhook.admission.request.declared import KNOWN
from webhook.admission.strategies import READERS


def test_every_annotation_of_the_contract_is_declared() -> None:
    assert {a.name for a in DECLARED.values()} == {
        "model", "strategy", "claim", "host-path", "image", "size", "directory", "load-from", "placement",
        "mount-path", "layout", "containers", "target", "read-only", "shm-size", "memory", "verify",
        "rewrite-args", "inject", "loader-user", "loader-pull-secrets", "server", "file",
    }  # fmt: skip
    assert {"injected", "copied-keys"} <= KNOWN


def test_only_keys_below_the_prefix_are_asked() -> None:
    annotations = {
        PREFIX + "model": "a/b",
        "xmodelcache.io/model": "c",
        "modelcache.io": "d",
        "e": "f",
    }
    assert asked(annotations) == {"model": "a/b"}


@pytest.mark.parametrize("name", sorted(a.name for a in DECLARED.values()))
@pytest.mark.parametrize("value", ["", " ", "\t"])
def test_an_empty_value_is_a_mistake(name: str, value: str) -> None:
    _, (problem,) = read(DECLARED.items(), {name: value})
    assert problem.code == "MC001"
    assert problem.where == PREFIX + name
    assert problem.what.startswith("is empty: must be ")


def test_spaces_around_a_value_are_ignored() -> None:
    found, problems = read(DECLARED.items(), {"strategy": " pvc ", "size": " 1Gi , 2Gi "})
    assert problems == []
    assert found["strategy"] == "pvc"
    assert [str(size) for size in found["size"]] == ["1Gi", "2Gi"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("stratgy", "is not known; did you mean modelcache.io/strategy?"),
        ("mountpath", "is not known; did you mean modelcache.io/mount-path?"),
        ("memory-policy", "is not known; did you mean modelcache.io/memory?"),
        ("shmsize", "is not known; did you mean modelcache.io/shm-size?"),
        ("zzzzzz", "is not known; see docs/annotations.md"),
    ],
)
def test_an_unknown_name_is_named_with_the_nearest(name: str, said: str) -> None:
    (problem,) = unknown([name], KNOWN)
    assert str(problem) == f"MC101 modelcache.io/{name}: {said}"


def test_a_hostile_name_is_shown_escaped_and_cut() -> None:
    (problem,) = unknown(["a\x1b[31m\n" + "x" * 500], KNOWN)
    assert problem.where.isprintable()
    assert len(problem.where) < 80


def test_every_annotation_that_a_strategy_reads_is_declared() -> None:
    assert READERS.keys() <= {a.name for a in DECLARED.values()}


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_known_name_is_no_mistake(name: str) -> None:
    assert unknown([name], KNOWN) == []
