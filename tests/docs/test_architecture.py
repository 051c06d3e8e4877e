"""docs/architecture.md says how the code is."""

import re
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests import demo
from tests.docs import picture
from tests.docs.manual import DOCS, ROOT

PAGE = (DOCS / "architecture.md").read_text()
TRIP = PAGE.partition("## The trip of a review")[2].partition("The review of a workload")[0]
LAST = "server/telemetry/log.py"


def test_the_picture_shows_the_layers_of_the_contract(update: bool) -> None:
    path = DOCS / "architecture.svg"
    if update:
        path.write_text(picture.svg())
    assert path.read_text() == picture.svg(), "run this test with --update, and look at it"


def file_of(module: str) -> str:
    """Return the file of a module, below webhook/."""
    path = module.removeprefix("webhook.").replace(".", "/")
    return f"{path}/__init__.py" if (ROOT / "webhook" / path).is_dir() else f"{path}.py"


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files that the review of a pod visits, in the order of first visits."""
    notes = tmp_path_factory.mktemp("trip") / "visited"
    traced = str(Path(__file__).with_name("traced.py"))
    deployment = yaml.safe_load((ROOT / "examples" / "chat.yaml").read_text())
    deployment["metadata"]["namespace"] = "default"
    pod = demo.pod_of(deployment)
    pod["metadata"]["annotations"] = deployment["metadata"]["annotations"]
    with demo.serving((sys.executable, traced, str(notes))) as server:
        answer = server.review("inject.modelcache.io", demo.request("Pod", "", "pods", pod, 1))
        assert "patch" in answer
        end = time.monotonic() + 30
        while LAST not in (found := [file_of(name) for name in notes.read_text().split()]):
            assert time.monotonic() < end, f"the trip did not end at {LAST}: {found}"
            time.sleep(0.05)
    return found


def test_a_review_visits_the_files_of_its_trip_in_order(visited: list[str]) -> None:
    named = re.findall(r"`((?:server|admission)/[\w/]+\.py)`", TRIP)
    assert [path for path in visited if path in named] == named


def test_the_trip_leaves_out_no_file_of_the_server_and_of_the_story(visited: list[str]) -> None:
    of_the_story = re.compile(r"server/(http|reviews)/\w+\.py|server/\w+\.py|admission/\w+\.py")
    assert [path for path in visited if of_the_story.fullmatch(path) and path not in TRIP] == []


def test_the_files_and_names_of_the_recipes_exist() -> None:
    recipes = PAGE.partition("## How to add something")[2].replace("policy/rules/`", "policy/`")
    paths = re.findall(r"`((?:webhook|tests|deploy)/[\w./-]+)`", recipes)
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []
    places = (ROOT / "webhook", ROOT / "tests" / "server")
    code = "".join(path.read_text() for place in places for path in place.rglob("*.py"))
    for name in re.findall(r"`([A-Z]\w+)`", recipes):
        assert re.search(rf"^(class )?{name}\b", code, re.MULTILINE), name
