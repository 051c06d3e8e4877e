"""Each row of rules.yaml that judges pods as they will run: the API server finds what Python finds."""

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.admission.judging import told
from tests.admission.rules import MODES, Row, rows
from tests.cluster.rule_policies.enforced import FAILED, Enforced, said
from tests.kubernetes.api import Answer, Object
from tests.kubernetes.registration import wait_until

ROWS: Final = [row for row in rows() if row.by == "state"]
FEWEST: Final = 500
"""Verdicts that are compared at least."""
_compared: Final[list[str]] = []


def fitting(kind: str) -> list[Row]:
    return [row for row in ROWS if kind in row.all_kinds]


@pytest.fixture
def judged(enforced: Enforced, row: Row, mode: str) -> Iterator[Enforced]:
    """The API server with the CachePolicies of the row, and with its pod if that only changes."""
    if row.ephemeral:
        enforced.policies()
        enforced.plane.api.create(without_added(row)).expect(201)
    enforced.policies(row.documents(mode))
    yield enforced
    if row.ephemeral:
        enforced.plane.api.delete(without_added(row)).expect(200)


def without_added(row: Row) -> Object:
    obj = row.object("Pod")
    obj["spec"].pop("ephemeralContainers")
    return obj


def asked(enforced: Enforced, row: Row, kind: str, mark: str) -> Answer:
    """Return the answer to a dry run of the object. The request has *mark* in its URL."""
    obj = row.object(kind)
    if not row.ephemeral:
        return enforced.dry_run(obj, fieldManager=mark)
    path = f"/api/v1/namespaces/{row.namespace}/pods/{row.name}/ephemeralcontainers"
    added = {"spec": {"ephemeralContainers": obj["spec"]["ephemeralContainers"]}}
    return enforced.plane.api.request(
        "PATCH", path, added, dry_run=True,
        media_type="application/strategic-merge-patch+json", params={"fieldManager": mark},
    )  # fmt: skip


def audited(enforced: Enforced, mark: str) -> str | None:
    """Return what the audit log has about the request with *mark*; None if it has no such request."""
    found = None
    for event in enforced.plane.audit_events():
        if parse_qs(urlsplit(event["requestURI"]).query).get("fieldManager") == [mark]:
            failures = json.loads((event.get("annotations") or {}).get(FAILED, "[]"))
            found = "".join(failure["message"] for failure in failures)
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.row)
def test_the_api_server_finds_what_python_finds_in_the_same_words(
    judged: Enforced, row: Row, mode: str
) -> None:
    for kind in row.all_kinds:
        mark = f"{row.row}-{mode}-{kind}"
        answer = asked(judged, row, kind, mark)
        text = told(row, mode, kind)
        assert bool(text) == row.is_found(mode), (kind, text)
        refused = mode == "enforce" and kind == "Pod"
        wanted = (text, "") if refused else ("", text if mode != "audit" else "")
        assert said(answer) == wanted, (kind, answer)
        assert answer.ok == (not wanted[0]), (kind, answer)
        if wanted[0]:
            assert (answer.code, answer.reason) == (403, "Forbidden")
        if mode == "audit":
            wait_until(lambda at=mark: audited(judged, at) is not None, "the audit log")  # type: ignore[misc]
            assert audited(judged, mark) == text, kind
        _compared.append(mark)


def test_every_row_in_every_mode_and_kind_was_compared() -> None:
    wanted = {
        f"{row.row}-{mode}-{kind}" for row in ROWS for mode in MODES for kind in row.all_kinds
    }
    assert set(_compared) == wanted
    assert len(wanted) >= FEWEST
