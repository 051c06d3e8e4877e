"""Sources of models: the URIs that name one."""

import hashlib

import pytest

from webhook.models import layout
from webhook.models.source import parse_source

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "uri", "repository", "revision", "commit"),
    [
        ("acme/coder", "hf://acme/coder", "acme/coder", None, None),
        ("hf://acme/coder", "hf://acme/coder", "acme/coder", None, None),
        ("acme/coder@main", "hf://acme/coder", "acme/coder", "main", None),
        ("acme/coder@v1.0+x_y-z", "hf://acme/coder", "acme/coder", "v1.0+x_y-z", None),
        (f"acme/coder@{COMMIT}", "hf://acme/coder", "acme/coder", COMMIT, COMMIT),
        ("acme/coder@0123abc", "hf://acme/coder", "acme/coder", "0123abc", None),
        ("Meta.AI/Llama-3.1_8B", "hf://Meta.AI/Llama-3.1_8B", "Meta.AI/Llama-3.1_8B", None, None),
        ("s3://bucket/a/b/", "s3://bucket/a/b", None, None, None),
        ("gs://bucket/a", "gs://bucket/a", None, None, None),
        ("https://example.com:8443/a", "https://example.com:8443/a", None, None, None),
        ("oci://example.com/coder:v1", "oci://example.com/coder:v1", None, None, None),
        (f"oci://example.com/coder@{DIGEST}", "oci://example.com/coder", None, DIGEST, DIGEST),
    ],
)
def test_source(
    text: str, uri: str, repository: str | None, revision: str | None, commit: str | None
) -> None:
    source = parse_source(text)
    assert (source.uri, source.repository, source.revision) == (uri, repository, revision)
    assert source.commit == commit


@pytest.mark.parametrize(
    "text",
    [
        "", "coder", "../../etc", "a/../b", "a/..", "../b", "/a/b", "a//b", "a/b/c", "a/b/", ".a/b", "-a/b",
        "a/b@", "a/b@../x", "a/b@a/b", "a/b@-x", "a b/c", "a/b\n", "a/b\x00", "a--b/c", "a/b--c",
        "acme/c\N{CYRILLIC SMALL LETTER O}der", "\N{FULLWIDTH LATIN SMALL LETTER A}cme/coder",
        "acme/co\N{ZERO WIDTH SPACE}der", "\N{RIGHT-TO-LEFT OVERRIDE}acme/coder", "$(A)/b", "a/${B}", "a/`b`",
        "~/b", "a/b;c", "a/" + "x" * 97, "file:///etc/passwd", "http://example.com/a", "s3://", "s3:///a",
        "s3://b/../c", "s3://b//c", "https://user:secret@example.com/a", "https://example.com/a?token=x",
        "https://example.com/a#b", "https://example.com/a b", "hf://../x", "oci://example.com/a@sha256:xyz",
    ],
)  # fmt: skip
def test_t66_what_names_no_model_is_refused(text: str) -> None:
    # P1 79
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # any words, but no secret
        parse_source(text)
    assert "secret" not in str(caught.value)
    assert "token=x" not in str(caught.value)


def test_two_models_never_have_the_same_folder() -> None:
    assert layout.hub_folder("a/b") == "a--b"
    assert parse_source("s3://bucket/a").folder == hashlib.sha256(b"s3://bucket/a").hexdigest()
    with pytest.raises(ValueError, match="is not a model"):
        parse_source("a--b/c")


def test_the_label_of_a_node_names_the_commit() -> None:
    digest = hashlib.sha256(f"acme/coder@{COMMIT}".encode()).hexdigest()
    assert layout.node_label("acme/coder", COMMIT) == f"modelcache.io/{digest[:16]}"
