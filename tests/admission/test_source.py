"""Sources of models: the URIs that name one."""

import hashlib

import pytest

from webhook.models import layout
from webhook.models.source import canonical, of_file, parse_source

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
        ("s3://bucket/My Model (v1)/", "s3://bucket/My Model (v1)", None, None, None),
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
        "s3://b/../c", "s3://b//c", "s3://b/ c", "s3://b/c ", "s3://b/a%20b", "s3://b c", "s3://b/a,b", "https://user:secret@example.com/a", "https://example.com/a?token=x",
        "https://example.com/a#b", "https://example.com/a b", "hf://../x", "oci://example.com/a@sha256:xyz",
    ],
)  # fmt: skip
def test_t66_what_names_no_model_is_refused(text: str) -> None:
    # P1 79
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # any words, but no secret
        parse_source(text)
    assert "secret" not in str(caught.value)
    assert "token=x" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("https://huggingface.co/acme/coder", "hf://acme/coder"),
        ("https://huggingface.co/acme/coder/", "hf://acme/coder"),
        ("http://www.huggingface.co/acme/coder?library=vllm#usage", "hf://acme/coder"),
        ("huggingface.co/acme/coder@v1", "hf://acme/coder@v1"),
        ("hf.co/acme/coder-GGUF:Q4_K_M", "hf://acme/coder-GGUF:Q4_K_M"),
        ("https://huggingface.co/acme/coder/tree/main", "hf://acme/coder@main"),
        (f"https://huggingface.co/acme/coder/tree/{COMMIT}", f"hf://acme/coder@{COMMIT}"),
        (
            "https://huggingface.co/acme/coder-GGUF/blob/main/Q4/coder-Q4_0.gguf",
            "hf://acme/coder-GGUF:coder-Q4_0.gguf@main",
        ),
        ("https://huggingface.co/gpt2", "hf://openai-community/gpt2"),
        ("https://huggingface.co/bert-base-uncased/tree/main", "hf://google-bert/bert-base-uncased@main"),
    ],
)  # fmt: skip
def test_the_address_of_a_page_means_its_model(text: str, means: str) -> None:
    assert parse_source(text) == parse_source(means)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://huggingface.co/datasets/acme/sums", "is one of the hub's datasets, not a model"),
        ("https://huggingface.co/spaces/acme/chat", "is one of the hub's spaces, not a model"),
        ("hf.co/acme/coder/blob/main/model.safetensors", "is one file or folder of acme/coder"),
        ("https://huggingface.co/acme", "is not a model"),
        ("hf://gpt2", "the hub calls it openai-community/gpt2"),
    ],
)
def test_a_page_that_is_no_model_is_refused_with_what_it_is(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_source(text)


def test_the_query_of_an_address_is_not_shown() -> None:
    with pytest.raises(ValueError, match="is one file or folder") as caught:
        parse_source("https://huggingface.co/a/b/blob/main/c.bin?token=secret")
    assert "secret" not in str(caught.value)


def test_a_name_from_before_organizations_means_the_model_of_today() -> None:
    assert canonical("gpt2") == "openai-community/gpt2"
    assert canonical("hf://t5-small@v1") == "google-t5/t5-small@v1"
    assert canonical("acme/gpt2") == "acme/gpt2"


def test_a_quantisation_has_a_name_a_folder_and_a_label_of_its_own() -> None:
    one, other = parse_source("acme/c-GGUF:Q4_K_M@v1"), parse_source("hf://acme/c-GGUF:Q8_0")
    assert (one.repository, one.quantisation, one.revision) == ("acme/c-GGUF", "Q4_K_M", "v1")
    assert (one.folder, other.folder) == ("acme--c-GGUF--Q4_K_M", "acme--c-GGUF--Q8_0")
    assert layout.identity_of(one.folder) == one.identity == "acme/c-GGUF:Q4_K_M"
    assert parse_source(one.text) == one
    assert layout.node_label(one.identity, COMMIT) != layout.node_label("acme/c-GGUF", COMMIT)


@pytest.mark.parametrize(
    "text", ["a/b:", "a/b:../x", "a/b:x/y", "a/b:-Q4", "a/b:a--b", "a/b:Q4:Q5", "a/b@v1:Q4"]
)
def test_what_is_no_quantisation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        parse_source(text)


def test_a_folder_s_name_fits_every_file_system() -> None:
    with pytest.raises(ValueError, match="is longer than the name of a folder may be"):
        parse_source(f"{'a' * 96}/{'b' * 96}:{'c' * 96}")


@pytest.mark.parametrize(
    ("text", "file", "means"),
    [
        ("acme/c", "c-Q4_0.gguf", "hf://acme/c:c-Q4_0.gguf"),
        ("acme/c@v1", "Q4/c-Q4_0.gguf", "hf://acme/c:c-Q4_0.gguf@v1"),
    ],
)
def test_a_file_is_a_quantisation_by_its_whole_name(text: str, file: str, means: str) -> None:
    assert of_file(text, file) == means


@pytest.mark.parametrize(
    ("text", "file", "said"),
    [
        ("acme/c:Q4_0", "c-Q8_0.gguf", "give one"),
        ("s3://bucket/c", "c.gguf", "in repositories of the hub alone"),
        ("acme/c", "c.safetensors", r"name other files by patterns \(--allow\)"),
    ],
)
def test_a_file_that_can_t_be_named_is_refused(text: str, file: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        of_file(text, file)


def test_two_models_never_have_the_same_folder() -> None:
    assert layout.hub_folder("a/b") == "a--b"
    assert parse_source("s3://bucket/a").folder == hashlib.sha256(b"s3://bucket/a").hexdigest()
    with pytest.raises(ValueError, match="is not a model"):
        parse_source("a--b/c")


def test_the_label_of_a_node_names_the_commit() -> None:
    digest = hashlib.sha256(f"acme/coder@{COMMIT}".encode()).hexdigest()
    assert layout.node_label("acme/coder", COMMIT) == f"modelcache.io/{digest[:16]}"
