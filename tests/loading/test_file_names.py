"""Names of files from a source: none leads out of the model."""

import os.path
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.loading.origins.file_names import checked
from webhook.loading.origins.origin import Unavailable

HOSTILE = {
    "..": "is not a path below the model",
    "../out.json": "is not a path below the model",
    "/etc/passwd": "is not a path below the model",
    "a/../../out.json": "is not a path below the model",
    "a/./b": "is not a path below the model",
    "a//b.json": "is not a path below the model",
    "a/": "is not a path below the model",
    "": "is not a path below the model",
    "a\\..\\b.json": "is not a path below the model",
    ".modelcache.json": "is the name of the manifest",
    ".modelcache.json/x": "is the name of the manifest",
    "models--acme--tiny/refs/main": "is the name of a Hugging Face cache",
    "tab\t.json": "has characters that can't be printed",
    "line\n.json": "has characters that can't be printed",
    "\x1b[2J": "has characters that can't be printed",
    "\ud800.json": "has characters that can't be printed",
    "\u202egnp.json": "has characters that can't be printed",
    "x" * 256: "is too long",
    "é" * 128: "is too long",
    "/".join(["x" * 200] * 6): "is too long",
}


@pytest.mark.parametrize(("name", "why"), HOSTILE.items())
def test_a_name_that_leads_elsewhere_is_refused(name: str, why: str) -> None:
    with pytest.raises(Unavailable) as refused:
        checked(["config.json", name])
    (line,) = str(refused.value).splitlines()
    assert why in line
    assert line.isprintable()


def test_all_refused_names_are_reported_at_once() -> None:
    with pytest.raises(Unavailable) as refused:
        checked(["../a", "b", "/c", "b", "b/d"])
    assert str(refused.value).splitlines() == [
        '"../a": is not a path below the model',
        '"/c": is not a path below the model',
        '"b": is listed 2 times',
        '"b": is a file and a folder',
    ]


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(Unavailable, match="it has 100001 files: a model may have 100000"):
        checked([f"{number}.json" for number in range(100_001)])


@pytest.mark.parametrize(
    "name", ["config.json", "a/b/c.safetensors", "..a", "a..b/...", "模型.json"]
)
def test_usual_names_are_accepted(name: str) -> None:
    checked([name])


@given(st.text(alphabet=st.sampled_from("./\\a\0~ é\u202e\n-"), max_size=12))
def test_an_accepted_name_is_below_the_model(name: str) -> None:
    try:
        checked([name])
    except Unavailable:
        return
    place = os.path.normpath(os.path.join("/store/model", name))  # noqa: PTH118  # the text counts
    assert place == f"/store/model/{name}"
    assert Path(place).parent.is_relative_to("/store/model")
