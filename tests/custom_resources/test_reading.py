"""The reader of files judges the documents of documents.yaml; tests/cluster asks the API server."""

import pytest

from tests.custom_resources.documents import DIFFERENT, ROWS, Row
from webhook.admission.policy.documents import load_policy, read_objects_of_cluster


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
    read = read_objects_of_cluster([row.document])
    assert len(read.models) + len(read.policies) == 1
    assert (read.faults, read.dropped) == ({}, {})
