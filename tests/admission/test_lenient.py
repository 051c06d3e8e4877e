"""Objects of the cluster that are newer than we are: what is not known is left out and named."""

from typing import Annotated

import msgspec
from msgspec import Meta

from webhook.values.lenient import known_part


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part."""

    mode: str


class Loose(msgspec.Struct, frozen=True):
    """A part whose unknown fields are ignored."""

    name: str = ""


class Whole(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A document."""

    part: Annotated[Part, Meta(description="x")] | None = None
    many: tuple[Part, ...] = ()
    size: int | str | None = None
    labels: dict[str, Part] = {}
    loose: Loose = Loose()


def test_what_is_not_known_is_left_out_and_named() -> None:
    content = {
        "part": {"mode": "warn", "hours": [1]},
        "many": [{"mode": "warn"}, {"mode": "warn", "also": {"x": 1}}],
        "labels": {"ab": {"mode": "x", "y": 1}},
        "loose": {"else": 1},
        "new": {},
        "size": ["of another type"],
    }
    kept, dropped = known_part(content, Whole)
    assert kept == {
        "part": {"mode": "warn"},
        "many": [{"mode": "warn"}, {"mode": "warn"}],
        "labels": {"ab": {"mode": "x"}},
        "loose": {"else": 1},
        "size": ["of another type"],
    }
    assert dropped == ["part.hours", "many[1].also", "labels.ab.y", "new"]
    assert content["new"] == {}


def test_what_is_known_is_left_as_it_is() -> None:
    content = {"part": None, "many": [{"mode": "warn"}], "size": 5}
    assert known_part(content, Whole) == (content, [])
