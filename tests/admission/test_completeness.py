"""Everything that the core offers occurs in a case of tests/cases or, if not there, in a table."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.admission.test_cases import CASES, FOLDERS, documents, given
from webhook.admission import codes
from webhook.admission.decision import SkipReason
from webhook.admission.reading import DECLARED
from webhook.admission.strategies import AUTO_ORDER, STRATEGIES

TABLES = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))


@cache
def expected() -> dict[str, str]:
    """Return the texts of expected.yaml by case.

    They are read late, because test_cases writes those of new cases first, with --update.
    """
    return {case: (CASES / case / "expected.yaml").read_text() for case in FOLDERS}


def annotations(case: str) -> dict[str, str]:
    return dict(given(case)["metadata"].get("annotations") or {})


@pytest.mark.parametrize("code", codes.CODES)
def test_every_code_occurs(code: str) -> None:
    assert any(code in text for text in expected().values()) or f'"{code}' in TABLES


@pytest.mark.parametrize("code", sorted(set(codes.CODES) - {codes.AMOUNT, codes.RULE_REQUIRED}))
def test_every_code_occurs_in_a_case_but_those_that_the_webhook_never_sees(code: str) -> None:
    assert any(code in text for text in expected().values())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_is_injected_in_a_case(strategy: str) -> None:
    assert any(f'"strategy":"{strategy}"' in text for text in expected().values())


@pytest.mark.parametrize("strategy", AUTO_ORDER)
def test_auto_comes_to_every_strategy_of_its_order_in_a_case(strategy: str) -> None:
    assert any(
        f'"strategy":"{strategy}"' in text
        and annotations(case).get("modelcache.io/strategy", "auto") == "auto"
        for case, text in expected().items()
    )


@pytest.mark.parametrize("name", sorted(a.name for a in DECLARED.values()))
def test_every_annotation_is_written_in_a_case(name: str) -> None:
    assert any(f"modelcache.io/{name}" in annotations(case) for case in FOLDERS)


@pytest.mark.parametrize(
    "annotation", [a for a in DECLARED.values() if a.name in ("load-from", "placement", "memory", "layout")],
    ids=lambda a: a.name,
)  # fmt: skip
def test_every_word_of_an_annotation_is_written_or_its_default(annotation: object) -> None:
    name, values, default = (getattr(annotation, f) for f in ("name", "values", "default"))
    words = set(re.findall(r"`([\w-]+)`", values)) - set(re.findall(r"`([\w-]+)`", default))
    written = {annotations(case).get(f"modelcache.io/{name}") for case in FOLDERS}
    assert words <= written


@pytest.mark.parametrize(
    "reason", [r for r in SkipReason if r not in (SkipReason.UNEXPECTED_RESOURCE, SkipReason.EXCLUDED_NAMESPACE,
                                                  SkipReason.NO_CONTAINERS, SkipReason.NOT_JUDGED)],
)  # fmt: skip
def test_every_reason_to_skip_what_an_api_server_sends_occurs_in_a_case(reason: SkipReason) -> None:
    assert any(f"skipped: {reason}\n" in text for text in expected().values())


@pytest.mark.parametrize("case", FOLDERS)
def test_a_case_says_what_it_shows(case: str) -> None:
    name = "pod.yaml" if documents(case, "pod.yaml") else "workload.yaml"
    first = (CASES / case / name).read_text().partition("\n")[0]
    assert re.fullmatch(r"# .*[a-z.)]", first)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", case)
