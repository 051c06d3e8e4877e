"""Each code of a refusal or a warning has a page, docs/codes/MC….md, with an example.

The heading is that of webhook/admission/codes.py. The example is the smallest of tests/cases whose
answer has the code.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.admission.test_cases import CASES, FOLDERS, INPUTS
from tests.docs.manual import DOCS, hold
from webhook.admission import codes
from webhook.admission.codes import CODES
from webhook.admission.policy.rules.catalogue import RULES

WITHOUT_CASE = (
    codes.AMOUNT,  # no API server lets such a pod through
    codes.RULE_REQUIRED,  # the webhook never sees such a pod
)
REFUSAL = "This is a refusal: the pod is not created."
WARNING = "This is a warning: the object is admitted."
FINDING = "This is what a rule of a CachePolicy finds: a refusal in mode `enforce`, a warning in mode `warn`."
GIVEN = {
    "old.yaml": "The object as it was:",
    "request.yaml": "The request has:",
    "pod.yaml": "",
    "workload.yaml": "",
    "facts.yaml": "In this cluster, as the tests write it down:",
    "policy.yaml": "With this policy:",
}


def messages(case: str) -> list[str]:
    """Return what the user of a case is shown, one problem each."""
    expected = yaml.safe_load((CASES / case / "expected.yaml").read_text())
    refused = re.split(r"; (?=MC\d)", expected.get("denied", ""))
    return [*filter(None, refused), *expected.get("warnings", [])]


def having(code: str) -> list[str]:
    """Return the cases that show a code: first those that show little else, then small ones."""

    def weight(case: str) -> tuple[int, int]:
        size = sum(path.stat().st_size for path in (CASES / case).iterdir())
        return len(messages(case)), size

    found = [case for case in FOLDERS if any(m.startswith(code) for m in messages(case))]
    return sorted(found, key=weight)


def example(code: str) -> str:
    """Return what causes the code, and what is said then."""
    case = having(code)[0]
    parts: list[str] = []
    for name, said in GIVEN.items():
        path = CASES / case / name
        if path.exists():
            text = re.sub(r"\A(?:#.*\n)+", "", path.read_text())
            words = "The object as it is applied:" if name in INPUTS and parts else said
            parts.append(f"{words}\n\n```yaml\n{text}```\n".lstrip())
    shown = "\n".join(m for m in messages(case) if m.startswith(code))
    return "\n".join(parts) + f"\nThe message:\n\n```text\n{shown}\n```"


@pytest.mark.parametrize("code", CODES)
def test_the_page_of_a_code_says_what_it_means_and_what_to_do(code: str, update: bool) -> None:
    means, remedy = CODES[code]
    kind = REFUSAL if code.startswith("MC0") else WARNING
    if code in {rule.code for rule in RULES}:
        kind = FINDING
    hold(code, f"# {code}: {means}\n\n{kind} In short: {remedy}.", update=update)
    own = re.sub(r"<!-- .*? -->\n.*?<!-- end -->", "", page(code), flags=re.DOTALL)
    assert re.fullmatch(r"\s+\S.{60,}\n## Example\n.*\n## What to do\n\n\S.*", own, re.DOTALL)


def page(code: str) -> str:
    return (DOCS / "codes" / f"{code}.md").read_text()


@pytest.mark.parametrize("code", [code for code in CODES if code not in WITHOUT_CASE])
def test_the_page_of_a_code_shows_what_causes_it(code: str, update: bool) -> None:
    hold(f"{code} example", example(code), update=update)
    assert f"<!-- {code} example -->" in page(code)


@pytest.mark.parametrize("code", WITHOUT_CASE)
def test_a_page_without_a_case_has_an_example_that_is_true(code: str, tmp_path: Path) -> None:
    pod, *policy, said = re.findall(r"```(?:yaml|text)\n(.*?)```", page(code), re.DOTALL)
    (tmp_path / "pod.yaml").write_text(pod)
    command = [sys.executable, "-m", "webhook", "check", "-f", str(tmp_path / "pod.yaml")]
    for text in policy:
        (tmp_path / "policy.yaml").write_text(text)
        command += ["--policy", str(tmp_path / "policy.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.endswith(f": {said}")


def test_there_is_no_page_of_a_code_that_does_not_exist() -> None:
    assert {path.stem for path in (DOCS / "codes").iterdir()} == set(CODES)
