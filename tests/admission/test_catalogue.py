"""CachedModel documents."""

import re
import sys
from typing import Any

import pytest

from tests.admission.admitting import cached_model, entry_of
from webhook.admission.strategies import STRATEGIES
from webhook.models.catalogue import BUILT_IN, Catalogue
from webhook.models.source import parse_source

COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMAGE = "example.com/coder@sha256:" + "0" * 64


def test_status_wins_over_spec() -> None:
    entry = entry_of(
        cached_model("coder", "acme/coder@v1", size="1Gi", status={"revision": COMMIT, "bytes": 5})
    )
    assert entry.source.revision == COMMIT
    assert entry.size == 5
    assert entry.floating == "v1"


def test_every_field_of_a_document_is_read() -> None:
    entry = entry_of(
        cached_model(
            "coder",
            "acme/coder",
            directory="teams/coder",
            file="q4/coder.gguf",
            size=3,
            image=IMAGE,
            files={"allow": ["*.safetensors"], "ignore": ["*.bin"]},
            tokenSecretRef={"name": "hub", "key": "token"},
            strategies=["pvc", "image"],
        )
    )
    assert (entry.directory, entry.size, entry.image) == ("teams/coder", 3, IMAGE)
    assert entry.file == "q4/coder.gguf"
    assert entry.strategies == ("pvc", "image")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"metadata": {}, "spec": {"source": "a/b"}}, "metadata.name: is missing"),
        ({"metadata": {"name": "x"}, "spec": {}}, "spec.source: is missing"),
        (
            {"metadata": {"name": "x"}, "spec": {"source": "a/b", "sise": 1}},
            "spec.sise: is not known; did you mean size?",
        ),
        ({"metadata": {"name": "x"}, "spec": {"source": "b"}}, 'spec.source: "b" is not a model'),
        ({"metadata": {"name": "x"}, "spec": {"source": "a/b", "size": 0}}, "must be more than 0"),
        (
            {"metadata": {"name": "x"}, "spec": {"source": "a/b", "directory": "../x"}},
            "spec.directory: ",
        ),
        ({"metadata": {"name": "x"}, "spec": {"source": "a/b", "file": "/x.gguf"}}, "spec.file: "),
        ({"metadata": {"name": "x"}, "spec": {"source": "a/b", "image": "A B"}}, "spec.image: "),
        (
            {"metadata": {"name": "x"}, "spec": {"source": "a/b", "strategies": ["nfs"]}},
            f'spec.strategies: "nfs" is not one of {", ".join(STRATEGIES)}',
        ),
        (
            {"metadata": {"name": "x"}, "spec": {"source": "b", "size": "lots"}},
            'spec.size: "lots" is not a quantity',
        ),
        (
            {"metadata": {"name": "x"}, "spec": {"source": "a/b", "image": "example.com/m:v1"}},
            'spec.image: "example.com/m:v1" names a tag, which can change: write the digest',
        ),
        (
            {"metadata": {"name": "x"}, "spec": {"source": "a/b", "strategies": ["pvc", "pvc"]}},
            'spec.strategies: "pvc" occurs twice',
        ),
        (
            {"metadata": {"name": "x"}, "spec": {"source": "a/b", "tokenSecretRef": {"key": "/"}}},
            "spec.tokenSecretRef.name: is missing",
        ),
        (
            {"metadata": {"name": "X"}, "spec": {"source": "a/b"}},
            'metadata.name: "X" is not a name',
        ),
        (
            {"metadata": {"name": "a" * 121}, "spec": {"source": "a/b"}},
            "metadata.name: is longer than 120 characters",
        ),
        ({"metadata": {"name": "x"}, "spec": {"source": 5}}, "spec.source: must be a string"),
        ({"metadata": {"name": "x"}, "spc": {}}, "spc: is not known; did you mean spec?"),
        (
            {"metadata": {"name": "x"}, "spec": {"source": "a/b"}, "status": {"revision": "a b"}},
            'status.revision: "a b" is not a commit, a branch, a tag or a digest',
        ),
    ],
)
def test_fault(document: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are compared below
        entry_of(document)
    assert said in str(caught.value)


def test_the_digest_of_an_artifact_is_a_revision() -> None:
    digest = "sha256:" + "0" * 64
    entry = entry_of(cached_model("coder", "oci://example.com/coder", status={"revision": digest}))
    assert entry.source.commit == digest


def test_every_fault_of_a_document_is_named_at_once() -> None:
    spec = {
        "source": "b",
        "size": "lots",
        "sise": 1,
        "strategies": ["nfs"],
        "files": {"allow": "*"},
    }
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are compared below
        entry_of({"metadata": {}, "spec": spec})
    assert re.findall(r"(?:spec|metadata)[.\w]+(?=: )", str(caught.value)) == [
        "metadata.name", "spec.files.allow", "spec.sise", "spec.source", "spec.size", "spec.strategies",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "found"),
    [("acme/coder", True), ("acme/coder@main", True), (f"acme/coder@{COMMIT}", True), ("acme/coder@v2", False)],
)  # fmt: skip
def test_an_entry_covers_its_revision_and_the_name_it_came_from(source: str, found: bool) -> None:
    entry = entry_of(cached_model("coder", "acme/coder", status={"revision": COMMIT}))
    assert (Catalogue([entry]).of(parse_source(source)) is entry) is found


def test_given_entries_win_over_the_built_in_ones() -> None:
    mine = entry_of(cached_model("phi-2", "microsoft/phi-2", size="6Gi"))
    catalogue = Catalogue([mine])
    assert catalogue.named("phi-2") is mine
    assert catalogue.of(parse_source("microsoft/phi-2")) is mine


@pytest.mark.parametrize("entry", BUILT_IN, ids=lambda e: e.name)
def test_built_in_entry_is_whole(entry: Any) -> None:
    assert entry.size
    assert entry.name == entry.name.lower()
    assert entry.source == parse_source(entry.source.repository)


@pytest.mark.parametrize(
    ("spec", "allow"),
    [
        ({"file": "q4/m.gguf"}, ("q4/m.gguf", "*.json", "*.jinja")),
        (
            {"file": "m-00001-of-00003.gguf"},
            ("m-*-of-00003.gguf", "*.json", "*.jinja"),
        ),
        ({"file": "m.gguf", "files": {"allow": ["*.gguf"]}}, ("*.gguf",)),
        ({"file": "model.safetensors"}, ()),
        ({}, ()),
    ],
)
def test_a_gguf_file_is_among_the_files_that_loaders_take(
    spec: dict[str, Any], allow: tuple[str, ...]
) -> None:
    assert entry_of(cached_model("x", "a/b", **spec)).files.allow == allow


def test_reading_a_model_takes_few_calls() -> None:
    # A cluster has thousands, and the server reads them between two reviews.
    document = cached_model("coder", "acme/coder@v1", size="16Gi", strategies=["pvc"])
    entry_of(document)  # what is found out once
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        entry_of(document)
    finally:
        sys.setprofile(None)
    assert 5 < calls <= 40
