"""docs/without-a-server.md: its tables come from the catalogues, and its pod from the page works."""

import yaml

from tests.docs.manual import DOCS, hold, table
from tests.docs.test_manual import blocks
from webhook.rendering.admission_policy.accepted import ACCEPTED
from webhook.rendering.admission_policy.limits import LIMITS

PAGE = DOCS / "without-a-server.md"
_WRITTEN = ("injected", "copied-keys")
"""Annotations that no person writes."""


def test_a_table_has_every_annotation_that_policies_read(update: bool) -> None:
    rows = [(f"`{one.name}`", one.values) for one in ACCEPTED if one.name not in _WRITTEN]
    hold("accepted", table(("annotation", "values"), *rows), update=update)


def test_a_table_has_everything_that_policies_refuse(update: bool) -> None:
    rows = [(limit.refused, limit.instead) for limit in LIMITS]
    hold("limits", table(("refused", "instead"), *rows), update=update)


def test_the_page_shows_one_deployment_that_is_annotated_in_its_template() -> None:
    [text] = blocks("yaml", PAGE)
    template = yaml.safe_load(text)["spec"]["template"]
    assert template["metadata"]["annotations"].keys() == {"modelcache.io/model"}
