"""The cases that users see: each folder of tests/cases is one behaviour, named as a claim.

    pod.yaml or workload.yaml    what is applied
    old.yaml                     the workload before, if it exists already
    request.yaml                 fields of the request, if they matter
    facts.yaml                   facts about the cluster, if they matter (admitting.facts_of)
    policy.yaml                  the platform's documents, if they matter
    expected.yaml                pod or workload: as admitted; or denied: the exact text;
                                 or skipped: the reason; and warnings:

Unless facts.yaml says more, the only known fact is Kubernetes 1.34. Pods are defaulted as the API
server does: an absent request is the limit.
`pytest tests/admission/test_cases.py --update` writes expected.yaml; read its diff.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.admission.admitting import Answer, Json, Webhook, facts_of, policy_of
from webhook import __version__

CASES = Path(__file__).parents[1] / "cases"
INPUTS = ("pod.yaml", "workload.yaml")
FILES = {*INPUTS, "old.yaml", "request.yaml", "facts.yaml", "policy.yaml", "expected.yaml"}
FOLDERS = sorted(path.name for path in CASES.iterdir() if path.is_dir())


def documents(case: str, name: str) -> list[Json]:
    path = CASES / case / name
    return (
        [d for d in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader) if d]
        if path.exists()
        else []
    )


def given(case: str) -> Json:
    (document,) = [d for name in INPUTS for d in documents(case, name)]
    return document


def request_of(case: str) -> Json:
    """Return the fields of the request that the case has."""
    fields: Json = {}
    for old in documents(case, "old.yaml"):
        fields = {"operation": "UPDATE", "oldObject": old}
    for more in documents(case, "request.yaml"):
        fields |= more
    return fields


def webhook_of(case: str) -> Webhook:
    facts = documents(case, "facts.yaml")
    return Webhook(
        facts=facts_of(facts[0] if facts else {}), policy=policy_of(*documents(case, "policy.yaml"))
    )


def outcome(answer: Answer, kind: str) -> Json:
    """Return *answer* in the form of expected.yaml."""
    found: Json = {}
    if answer.warnings:
        found["warnings"] = answer.warnings
    if not answer.allowed:
        found["denied"] = answer.denial
    elif not answer.operations:
        found["skipped"] = answer.reason
    else:
        found["pod" if kind == "Pod" else "workload"] = _without_version(answer.admitted)
    return found


def _without_version(value: Any) -> Any:
    """Remove from the ledger the version that wrote it, since expected files outlive versions."""
    match value:
        case dict():
            return {key: _without_version(item) for key, item in value.items()}
        case list():
            return [_without_version(item) for item in value]
        case str():
            return value.replace(f'"by":"modelcache {__version__}"', '"by":"modelcache VERSION"')
        case _:
            return value


def text(found: Json) -> str:
    dumped: str = yaml.dump(found, sort_keys=False, width=10**6, allow_unicode=True)
    return dumped


@pytest.mark.parametrize("case", FOLDERS)
def test_case(case: str, update: bool) -> None:
    document = given(case)
    kind = document["kind"]
    found = outcome(webhook_of(case).admit(document, **request_of(case)), kind)
    expected = CASES / case / "expected.yaml"
    if update:
        expected.write_text(text(found))
    assert text(found) == text(yaml.safe_load(expected.read_text()))


@pytest.mark.parametrize("case", FOLDERS)
def test_five_reviews_give_no_operation_after_the_first(case: str) -> None:
    webhook = webhook_of(case)
    answer = webhook.admit(given(case), **request_of(case))
    for _ in range(4):
        again = webhook.admit(answer.admitted, raw=True, **request_of(case))
        assert again.allowed == answer.allowed
        assert again.operations == []
        assert again.admitted == answer.admitted


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_holds_one_input_one_expectation_and_no_stray_file(case: str) -> None:
    names = {path.name for path in (CASES / case).iterdir()}
    assert names <= FILES
    assert "expected.yaml" in names
    assert len(names & set(INPUTS)) == 1


def test_no_stray_file_is_next_to_the_folders() -> None:
    assert [path.name for path in CASES.iterdir() if not path.is_dir()] == []
