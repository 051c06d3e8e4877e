"""The definitions as they are written: complete, explained, and for the oldest API server."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.kubernetes import definitions as chart
from webhook.admission.policy.cache_policy import PolicySpec
from webhook.admission.policy.rules.catalogue import RULES
from webhook.admission.reading import DECLARED
from webhook.custom_resources.definitions import definitions
from webhook.models.model_document import ModelSpec
from webhook.objects.json import Json

BY_KIND = {one["spec"]["names"]["kind"]: one for one in definitions()}


def schema(kind: str) -> Json:
    (version,) = BY_KIND[kind]["spec"]["versions"]
    found: Json = version["schema"]["openAPIV3Schema"]
    return found


def fields(part: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    for name, one in part.get("properties", {}).items():
        yield f"{path}.{name}", one
        yield from fields(one, f"{path}.{name}")
    if "items" in part:
        yield from fields(part["items"], f"{path}[]")


def names_in(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield key
            yield from names_in(value)
    elif isinstance(content, list):
        for value in content:
            yield from names_in(value)


def test_the_template_of_the_chart_is_current() -> None:
    assert chart.FILE.read_text() == chart.text(), "run make manifests"


@pytest.mark.parametrize("kind", BY_KIND)
def test_every_field_is_explained_in_sentences(kind: str) -> None:
    given_by_kubernetes = (".apiVersion", ".kind", ".metadata", ".metadata.name")
    explained = dict(fields(schema(kind)))
    assert len(explained) > 10
    for path, field in explained.items():
        if path not in given_by_kubernetes:
            assert re.fullmatch(r"[A-Za-z].*\.", field["description"]), path
            assert "`" not in field["description"].replace("`modelcache render`", ""), path


def test_the_schemas_have_the_fields_that_are_read_and_no_other() -> None:
    for kind, spec in (("CachedModel", ModelSpec), ("CachePolicy", PolicySpec)):
        written = schema(kind)["properties"]["spec"]["properties"]
        assert set(written) == {field.encode_name for field in msgspec.structs.fields(spec)}


def test_there_is_a_property_for_each_default_and_each_rule() -> None:
    spec = schema("CachePolicy")["properties"]["spec"]["properties"]
    platform = [one.name for one in DECLARED.values() if one.platform]
    assert [*spec["defaults"]["properties"]] == platform
    assert [*spec["rules"]["properties"]] == [rule.name for rule in RULES]


@pytest.mark.parametrize("kind", BY_KIND)
def test_nothing_needs_a_newer_api_server_than_the_oldest(kind: str) -> None:
    # An older server refuses what it does not know in CEL, and drops what it does not know in the schema.
    definition = BY_KIND[kind]
    assert not set(names_in(definition)) & {"format", "selectableFields", "optionalOldSelf"}
    rules = re.findall(r"\b(isQuantity|quantity|format|ip|cidr|isIP)\(", str(definition))
    assert rules == []
    known = {"x-kubernetes-validations", "x-kubernetes-int-or-string", "x-kubernetes-list-type",
             "x-kubernetes-list-map-keys", "x-kubernetes-map-type"}  # fmt: skip
    assert {name for name in names_in(definition) if name.startswith("x-")} <= known


@pytest.mark.parametrize("kind", BY_KIND)
def test_every_rule_in_cel_says_what_is_wanted(kind: str) -> None:
    rules = [
        rule
        for _, field in fields({"properties": {"": schema(kind)}})
        for part in (field, field.get("items", {}))
        for rule in part.get("x-kubernetes-validations", [])
    ]
    assert len(rules) > 3
    assert all(len(rule["message"]) > 10 for rule in rules)


@pytest.mark.parametrize("kind", BY_KIND)
def test_columns_show_only_what_somebody_writes(kind: str) -> None:
    (version,) = BY_KIND[kind]["spec"]["versions"]
    paths = [column["jsonPath"] for column in version["additionalPrinterColumns"]]
    written = (".spec.", ".metadata.", '.status.conditions[?(@.type=="Accepted")].')
    assert all(path.startswith(written) for path in paths)
