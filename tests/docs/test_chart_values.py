"""The values of the chart: each is explained, and the schema knows each and no other."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import yaml

from tests.docs.chart_values import CHART, SCHEMA, at, documented
from webhook.admission.policy.cache_policy import PolicySpec
from webhook.admission.policy.rules.catalogue import RULES
from webhook.admission.strategies import STRATEGIES
from webhook.models.model_document import ModelSpec

DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
OF_HELM = {"global"}  # helm hands it to every chart


def leaves(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from leaves(value, (*path, key))
    else:
        yield path


@pytest.mark.parametrize("path", list(leaves(DEFAULTS)), ids=".".join)
def test_every_value_is_explained(path: tuple[str, ...]) -> None:
    explained = {value.path for value in documented()}
    assert any(path[:length] in explained for length in range(1, len(path) + 1))


def test_a_comment_says_something_of_its_value() -> None:
    for value in documented():
        assert value.meaning.endswith((".", "…")), value.name
        assert at(DEFAULTS, value.path) == value.default


def test_the_schema_and_the_file_have_the_same_values() -> None:
    def compare(schema: dict[str, Any], values: Any, path: str) -> None:
        if "properties" not in schema or not values:
            return
        assert schema["additionalProperties"] is False, path
        assert set(schema["properties"]) - OF_HELM == set(values), path
        assert set(schema["required"]) == set(values), path  # null takes a value away
        for key, value in values.items():
            compare(schema["properties"][key], value, f"{path}.{key}")

    compare(SCHEMA, DEFAULTS, "")


@pytest.mark.parametrize(
    ("branch", "known"),
    [("then", ModelSpec), ("else", PolicySpec)],
    ids=["CachedModel", "CachePolicy"],
)
def test_the_schema_has_the_fields_that_documents_may_have(branch: str, known: type) -> None:
    spec = SCHEMA["definitions"]["policy"][branch]["properties"]["spec"]
    assert spec["additionalProperties"] is False
    assert set(spec["properties"]) == {one.encode_name for one in msgspec.structs.fields(known)}
    strategies = spec["properties"].get("strategies", {"items": {"enum": STRATEGIES}})
    assert set(strategies["items"]["enum"]) == set(STRATEGIES)


def test_the_schema_has_the_rules_that_a_policy_may_have() -> None:
    rules = SCHEMA["definitions"]["policy"]["else"]["properties"]["spec"]["properties"]["rules"]
    assert rules["propertyNames"]["enum"] == [rule.name for rule in RULES]
