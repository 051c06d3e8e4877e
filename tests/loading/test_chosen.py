"""Which files of a repository are loaded: 60 and more listings of repositories, row by row."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from webhook.loading.origins.origin import RemoteFile, Unavailable
from webhook.loading.patterns import Patterns, chosen, left_out, patterns_of
from webhook.models.source import parse_source
from webhook.store.manifest import Globs

_LISTINGS: Final = Path(__file__).with_name("listings.txt")
_UNITS: Final = {"k": 2**10, "M": 2**20, "G": 2**30}


@dataclass
class Listing:
    """The files of one repository, and what becomes of them."""

    source: str
    kind: str
    why: str
    loaded: list[RemoteFile] = field(default_factory=list)
    others: list[RemoteFile] = field(default_factory=list)
    message: str = ""


def listings() -> list[Listing]:
    """Return the rows of listings.txt."""
    found: list[Listing] = []
    for line in _LISTINGS.read_text().splitlines():
        sign, _, rest = line.partition(" ")
        if sign == "==":
            source, kind, why = map(str.strip, rest.split("|"))
            found.append(Listing(source, kind, why))
        elif sign == "+":
            found[-1].loaded += files(rest)
        elif sign == "-":
            found[-1].others += files(rest)
        elif sign == "!":
            found[-1].message = rest
    return found


def files(text: str) -> Iterator[RemoteFile]:
    for word in text.split():
        name, _, said = word.partition(":")
        size = int(float(said[:-1] or 1) * _UNITS[said[-1:]]) if said else 2**10
        if shards := re.search(r"#-of-(\d+)", name):
            for number in range(1, int(shards[1]) + 1):
                yield RemoteFile(name.replace("#", f"{number:0{len(shards[1])}}"), size)
        else:
            yield RemoteFile(name, size)


LISTED: Final = listings()


def test_the_table_has_the_kinds_of_repositories_that_people_load() -> None:
    assert len({one.source for one in LISTED}) == len(LISTED) >= 60


@pytest.mark.parametrize("listing", LISTED, ids=[one.source for one in LISTED])
def test_a_repository_is_loaded_once_and_whole(listing: Listing) -> None:
    everything = sorted([*listing.loaded, *listing.others], key=lambda file: file.path)
    patterns = patterns_of(parse_source(listing.source), Patterns())
    if listing.message:
        with pytest.raises(Unavailable, match=re.escape(listing.message)):
            chosen(everything, patterns, safetensors_only=False)
        return
    found = chosen(everything, patterns, safetensors_only=True)
    assert {file.path for file in found} == {file.path for file in listing.loaded}
    assert chosen(found, patterns, safetensors_only=True) == found, "a store's own listing"


def test_what_is_left_out_is_said_with_its_size() -> None:
    [listing] = [one for one in LISTED if one.source == "mistralai/Pixtral-12B-2409"]
    assert not left_out(listing.loaded, listing.loaded)
    [listing] = [one for one in LISTED if one.source == "mistralai/Mistral-7B-Instruct-v0.3"]
    everything = [*listing.loaded, *listing.others]
    assert left_out(everything, listing.loaded) == "consolidated.safetensors (14.0Gi)"


def test_patterns_that_somebody_gives_are_taken_at_their_word() -> None:
    everything = [RemoteFile(n) for n in ("a.json", "consolidated.safetensors", "m.safetensors")]
    asked = Patterns(allow=("consolidated*", "*.json"))
    found = chosen(everything, asked, safetensors_only=True)
    assert [file.path for file in found] == ["a.json", "consolidated.safetensors"]
    only = Patterns(ignore=("m.*",))
    found = chosen(everything, only, safetensors_only=True)
    assert [file.path for file in found] == ["a.json", "consolidated.safetensors"]


@pytest.mark.parametrize("allow", [("*.json",), ("tokenizer*", "*.txt"), ("training_args.bin",)])
def test_what_has_no_weights_is_refused_whoever_named_it(allow: tuple[str, ...]) -> None:
    names = ("config.json", "tokenizer.model", "vocab.txt", "training_args.bin", "m.safetensors")
    everything = [RemoteFile(name) for name in names]
    with pytest.raises(Unavailable, match="none has weights"):
        chosen(everything, Patterns(allow=allow), safetensors_only=False)


def test_patterns_that_fit_nothing_are_named() -> None:
    everything = [RemoteFile("a-Q4_0.gguf"), RemoteFile("model.zip")]
    with pytest.raises(Unavailable, match=r"none of the 2 files is wanted .* are \*q4\*;"):
        chosen(everything, Patterns(allow=("*q4*",)), safetensors_only=False)


def test_a_tag_that_fits_several_files_is_refused_with_their_names() -> None:
    everything = [RemoteFile(name) for name in ("a-Q4_0.gguf", "b-Q4_0.gguf")]
    with pytest.raises(Unavailable, match=r"Q4_0 may be each of a-Q4_0\.gguf, b-Q4_0\.gguf"):
        chosen(everything, Patterns(quantisation="Q4_0"), safetensors_only=False)


def test_patterns_add_files_to_a_quantisation_and_no_other_weights() -> None:
    names = ("a-Q4_0.gguf", "a-Q8_0.gguf", "LICENSE", "config.json")
    patterns = Patterns(allow=("LICENSE", "*.gguf"), quantisation="q4_0")
    found = chosen([RemoteFile(name) for name in names], patterns, safetensors_only=False)
    assert [file.path for file in found] == ["a-Q4_0.gguf", "LICENSE"]


@pytest.mark.parametrize(
    ("used", "same"),
    [
        (Globs(Patterns().allow), True),
        (Globs(("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.py", "tokenizer*"),
               ("original/*", "consolidated*")), True),
        (Globs(("*.safetensors",)), False),
        (Globs(Patterns().allow, ("*.py",)), False),
    ],
)  # fmt: skip
def test_a_model_of_an_earlier_version_s_default_counts_as_the_default(
    used: Globs, same: bool
) -> None:
    assert Patterns().used_by(used) is same
    assert not Patterns(allow=("*.bin",)).used_by(used)
