"""`modelcache render --kind admission-policy`: its mistakes, and what its expressions may contain."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.admission.admitting import cache_policy, cached_model
from tests.cli.command import Ran, modelcache
from webhook.admission.containers.servers import SERVERS
from webhook.admission.request.declared import KNOWN
from webhook.cli.exit_status import USAGE
from webhook.rendering.admission_policy.accepted import ACCEPTED, is_particular, sets_variables
from webhook.rendering.admission_policy.containers import commands
from webhook.rule_policies.containers import is_server

VARIABLES = list(filter(sets_variables, SERVERS))
PARTICULAR = list(filter(is_particular, SERVERS))


def render(folder: Path, *documents: dict[str, Any]) -> Ran:
    file = folder / "platform.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    return modelcache("render", "--kind", "admission-policy", "--policy", file)


def test_without_a_model_the_other_kinds_are_a_mistake() -> None:
    ran = modelcache("render")
    assert (ran.status, ran.out) == (USAGE, "")
    assert ran.err == "modelcache: MODEL: is missing: name one or more models, such as phi-2\n"


@pytest.mark.parametrize(
    ("default", "text"),
    [
        ({"strategy": "emptyDir"}, "strategy: must be auto, pvc, hostPath, image"),
        ({"placement": "required"}, "placement: must be preferred, none"),
        ({"read-only": "false"}, "read-only: must be true"),
        ({"server": "ollama"}, "server: must be other, or a server that needs only the path"),
    ],
    ids=json.dumps,
)
def test_a_default_that_the_policies_would_not_hold_is_a_mistake(
    tmp_path: Path, default: dict[str, str], text: str
) -> None:
    ran = render(tmp_path, cache_policy("teams", defaults=default))
    assert (ran.status, ran.out) == (USAGE, "")
    assert f"CachePolicy teams: spec.defaults.{text}, since admission policies" in ran.err


def test_defaults_for_loaders_change_nothing_and_are_no_mistake(tmp_path: Path) -> None:
    defaults = {"load-from": "node", "loader-user": "1000", "host-path": "/mnt/models"}
    assert render(tmp_path, cache_policy("teams", defaults=defaults)).status == 0


def test_a_catalogue_that_is_too_long_for_an_expression_is_a_mistake(tmp_path: Path) -> None:
    models = [cached_model(f"model-{i}", f"acme/model-{i}") for i in range(400)]
    ran = render(tmp_path, *models)
    assert (ran.status, ran.out) == (USAGE, "")
    assert "--policy: 400 CachedModels are more than admission policies can hold" in ran.err
    assert render(tmp_path, *models[:150]).status == 0


def test_the_annotations_that_policies_read_are_those_of_the_manual() -> None:
    names = [one.name for one in ACCEPTED]
    assert set(names) <= KNOWN
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "pattern",
    [
        *(find(rows) for find in (is_server, commands) for rows in (VARIABLES, PARTICULAR)),
        *(one.pattern for one in ACCEPTED),
    ],
)
def test_no_pattern_has_what_re2_lacks(pattern: str) -> None:
    for absent in ("(?!", "(?=", "(?<", "(?>", r"\Z", "*+"):
        assert absent not in pattern
