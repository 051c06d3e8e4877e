"""The reader of files judges the documents of documents.yaml; tests/cluster asks the API server."""

import pytest
import yaml

from tests.custom_resources.documents import DIFFERENT, ROWS, Row
from tests.docs.manual import ROOT
from webhook.admission.policy.documents import Policy, load_policy, read_object_of_cluster
from webhook.admission.policy.rules.catalogue import RULES


def refusal(row: Row) -> str:
    try:
        load_policy([("a.yaml", row.document)])
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_reader_names_the_field_of_a_fault(row: Row) -> None:
    said = refusal(row)
    if row.field:
        assert row.field in said
    else:
        assert said == ""


@pytest.mark.parametrize("row", DIFFERENT, ids=lambda row: row.id)
def test_the_reader_judges_what_differs_as_the_table_says(row: Row) -> None:
    said = refusal(row)
    assert (said == "") is (row.accepts == "reader")
    if said:
        assert row.field in said


@pytest.mark.parametrize("row", [row for row in ROWS if not row.field], ids=lambda row: row.id)
def test_the_reader_of_the_cluster_reads_what_the_server_accepts(row: Row) -> None:
    read = read_object_of_cluster(row.document)
    assert read.read.name == row.document["metadata"]["name"]
    assert read.dropped == []


def example(name: str) -> Policy:
    text = (ROOT / "examples" / name).read_text()
    return load_policy((name, document) for document in yaml.safe_load_all(text))


def test_the_strict_tenant_has_every_rule_that_its_strategies_need() -> None:
    [policy] = example("strict.yaml").policies
    of_other_strategies = {"maxMemoryModel"}
    assert {rule.name for rule in policy.rules} == {
        rule.name for rule in RULES
    } - of_other_strategies
    assert {rule.mode for rule in policy.rules} == {"enforce"}
    assert example("strict.yaml").catalogue.named("llama-8b").source.commit


def test_a_namespace_is_of_one_of_the_two_tenants() -> None:
    [strict], [lenient] = (example(name).policies for name in ("strict.yaml", "lenient.yaml"))
    for labels in ({"models": "strict"}, {"models": "free"}, {}):
        assert strict.selector.holds(labels) is not lenient.selector.holds(labels)
