"""Parse the name of a source: org/name[:quantisation][@revision] or a URI.

Nothing here contacts a source, since admission makes no calls.
"""

import re
from dataclasses import dataclass
from typing import Final

from webhook.models import layout
from webhook.models.schemes import HF, REMOTE
from webhook.values.text import quoted, without_credentials

REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
"""The form of org/name."""
REVISION: Final = re.compile(r"[A-Za-z0-9][\w.+-]{0,127}", re.ASCII)
"""The form of a branch, tag or commit."""
QUANTISATION: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
"""The form of what is behind the colon of org/name:Q4_K_M: a tag, or the name of a file."""
PAGE: Final = r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/"
"""What is in front of org/name in the address of a page, which people paste."""
_PAGE: Final = re.compile(rf"{PAGE}(?P<path>[^?#]*)")
_LONGEST: Final = 255
"""Bytes of the name of a folder (NAME_MAX)."""
_DASHES: Final = 2
"""Bytes that a folder's name is longer: two dashes in place of / and of a colon."""
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
LOCATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*(?:/[\w.+=@:-]+)*/?", re.ASCII)
"""The form of what is behind ://."""
DIGEST: Final = re.compile(r"@(sha256:[0-9a-f]{64})$")
"""How a source ends that names a digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place to download a model from."""

    uri: str
    repository: str | None
    """org/name in the hub; None for other sources."""
    revision: str | None
    quantisation: str | None = None
    """The one of a repository of GGUF files: a tag such as Q4_K_M, or a file; None: none named."""

    @property
    def commit(self) -> str | None:
        """The revision, if it can't move: a full commit or an OCI digest; otherwise None."""
        if self.revision and (_COMMIT.fullmatch(self.revision) or ":" in self.revision):
            return self.revision
        return None

    @property
    def scheme(self) -> str:
        """The text before :// in its URI."""
        return self.uri.partition("://")[0]

    @property
    def folder(self) -> str:
        """The folder of the model in the store."""
        if not self.repository:
            return layout.uri_folder(self.uri)
        return layout.hub_folder(self.repository, self.quantisation)

    @property
    def text(self) -> str:
        """The source with its revision, as an argument of `modelcache load`."""
        return f"{self.uri}@{self.revision}" if self.revision else self.uri

    @property
    def identity(self) -> str:
        """The source without its revision."""
        return self.uri.removeprefix(f"{HF.name}://") if self.repository else self.uri


def parse_revision(text: str) -> str:
    """Return a branch, tag or commit that can name a directory; ValueError if it can't."""
    if not REVISION.fullmatch(text) or ".." in text:
        raise ValueError(
            f"{quoted(text)} is not a revision such as main, v1.0 or a commit; "
            "if it has a slash, give its commit"
        )
    return text


def parse_source(text: str) -> Source:
    """Return the source that *text* names; ValueError if it is not a source."""
    scheme, separator, rest = text.partition("://")
    if page := _PAGE.match(text):
        text = text[: page.end("path")]  # a query may be secret
        said = _of_page(text, page["path"])
    elif separator and scheme != HF.name:
        return _location(text, scheme, rest)
    else:
        said = rest if separator else text
    name, at, revision = said.partition("@")
    name, colon, quantisation = name.partition(":")
    both = f"{name}{colon}{quantisation}"
    wrong = not REPOSITORY.fullmatch(name) or (colon and not QUANTISATION.fullmatch(quantisation))
    if wrong or ".." in both or "--" in both:
        called = canonical(name)
        meant = f"the hub calls it {called}: it " if called != name else ""
        shown = quoted(without_credentials(text))
        raise ValueError(
            f"{shown} is not a model: {meant}must be the name of a CachedModel, "
            f"org/name[:quantisation][@revision], or a URI ({', '.join(REMOTE)})"
        )
    if len(both) + _DASHES > _LONGEST:
        raise ValueError(f"{quoted(text)} is longer than the name of a folder may be")
    return Source(
        uri=f"{HF.name}://{both}",
        repository=name,
        revision=parse_revision(revision) if at else None,
        quantisation=quantisation or None,
    )


def _of_page(text: str, path: str) -> str:
    """Return org/name[:quantisation][@revision] for the path of a page of the hub.

    ValueError for a page of something else than a model.
    """
    first, _, rest = path.partition("/")
    if first in _OTHERS:
        raise ValueError(f"{quoted(text)} is one of the hub's {first}, not a model")
    if first in _CANONICAL:
        first, rest = _CANONICAL[first], path
    name, _, below = rest.partition("/")
    kind, _, place = below.partition("/")
    if not place and kind not in _FILES:
        return f"{first}/{name}/{below}" if below else f"{first}/{name}"
    revision, _, file = place.partition("/")
    tag = f":{file.rpartition('/')[2]}" if file.lower().endswith(".gguf") else ""
    if kind not in _FILES or not revision or (file and not tag):
        raise ValueError(
            f"{quoted(text, 120)} is one file or folder of {first}/{name}: give that name, and the "
            "file to load --allow"
        )
    return f"{first}/{name}{tag}@{revision}"


def canonical(text: str) -> str:
    """Return the model of the hub that *text*, a name from before it had organizations, means.

    The hub redirects these names. Any other text is returned as it is.
    """
    name, at, revision = text.removeprefix(f"{HF.name}://").partition("@")
    return f"{_CANONICAL[name]}/{name}{at}{revision}" if name in _CANONICAL else text


def of_file(text: str, file: str) -> str:
    """Return the source of one GGUF file in the repository *text*: org/name:FILE[@revision].

    ValueError if *text* is not a repository, or names another quantisation.
    """
    source = parse_source(canonical(text))
    name = file.rpartition("/")[2]
    if not source.repository or not file.lower().endswith(".gguf"):
        raise ValueError(
            f"{quoted(file, 120)}: a file can be named for GGUF in repositories of the hub alone: "
            "name other files by patterns (--allow)"
        )
    if source.quantisation not in (None, name):
        raise ValueError(
            f"{quoted(text, 120)} names a quantisation, and {name} is a file: give one"
        )
    revision = f"@{source.revision}" if source.revision else ""
    return parse_source(f"{source.repository}:{name}{revision}").text


_FILES: Final = ("tree", "blob", "resolve", "raw")
"""Words of the hub's addresses behind org/name: then a revision follows, and a file."""
_OTHERS: Final = ("datasets", "spaces", "collections", "papers", "docs", "blog", "models")
_CANONICAL: Final = {
    name: organization
    for organization, names in {
        "openai-community": (
            "gpt2 gpt2-medium gpt2-large gpt2-xl openai-gpt roberta-base-openai-detector "
            "roberta-large-openai-detector"
        ),
        "google-bert": (
            "bert-base-uncased bert-base-cased bert-large-uncased bert-large-cased "
            "bert-base-multilingual-cased bert-base-multilingual-uncased bert-base-chinese "
            "bert-base-german-cased bert-large-uncased-whole-word-masking "
            "bert-large-uncased-whole-word-masking-finetuned-squad"
        ),
        "distilbert": (
            "distilbert-base-uncased distilbert-base-cased distilbert-base-multilingual-cased "
            "distilbert-base-german-cased distilbert-base-uncased-distilled-squad "
            "distilbert-base-cased-distilled-squad distilbert-base-uncased-finetuned-sst-2-english "
            "distilgpt2 distilroberta-base"
        ),
        "FacebookAI": (
            "roberta-base roberta-large roberta-large-mnli xlm-roberta-base xlm-roberta-large "
            "xlm-roberta-large-finetuned-conll03-english "
            "xlm-roberta-large-finetuned-conll03-german "
            "xlm-mlm-en-2048 xlm-mlm-100-1280 xlm-clm-ende-1024"
        ),
        "google-t5": "t5-small t5-base t5-large t5-3b t5-11b",
        "albert": (
            "albert-base-v1 albert-large-v1 albert-xlarge-v1 albert-xxlarge-v1 albert-base-v2 "
            "albert-large-v2 albert-xlarge-v2 albert-xxlarge-v2"
        ),
        "xlnet": "xlnet-base-cased xlnet-large-cased",
        "almanach": "camembert-base",
        "Salesforce": "ctrl",
        "transfo-xl": "transfo-xl-wt103",
    }.items()
    for name in names.split()
}
"""Names of models from before the hub had organizations, and the organizations that have them."""


def _location(text: str, scheme: str, rest: str) -> Source:
    if scheme not in REMOTE:
        shown = quoted(without_credentials(text))
        raise ValueError(f"{shown} has a scheme that is not one of {', '.join(REMOTE)}")
    digests = REMOTE[scheme].digests
    digest = DIGEST.search(rest) if digests else None
    location = rest[: digest.start()] if digest else rest
    if digests and "@" in location:
        shown = quoted(without_credentials(text), 120)
        raise ValueError(f"{shown} must end in @sha256: and 64 hexadecimal digits")
    if (
        not (REMOTE[scheme].path or LOCATION).fullmatch(location)
        or ".." in location
        or "@" in location.split("/")[0]
    ):
        raise ValueError(
            f"{quoted(scheme + '://…')} must be only host and path: no user, password, query, "
            "fragment or spaces (credentials belong in a Secret). Keys of buckets may have spaces, "
            "and are written as they are, without %20"
        )
    if (form := REMOTE[scheme].location) and not form.fullmatch(location):
        raise ValueError(f"{quoted(text, 120)} must be {REMOTE[scheme].form}")
    return Source(
        uri=f"{scheme}://{location.rstrip('/')}",
        repository=None,
        revision=digest[1] if digest else None,
    )
