"""Read deploy/chart/values.yaml: each value with its default and the comment above it."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

CHART: Final = Path(__file__).parents[2] / "deploy" / "chart"
SCHEMA: Final[dict[str, Any]] = json.loads((CHART / "values.schema.json").read_text())
_LINE: Final = re.compile(r"^( *)(?:# (?P<comment>.*)|(?P<key>[\w./-]+):.*)$")


@dataclasses.dataclass(frozen=True, slots=True)
class Value:
    """One documented value of the chart."""

    path: tuple[str, ...]
    default: Any
    meaning: str

    @property
    def name(self) -> str:
        """The name that --set takes."""
        return ".".join(self.path)


def documented() -> list[Value]:
    """Return the values that have a comment, in the order of the file."""
    text = (CHART / "values.yaml").read_text()
    defaults = yaml.safe_load(text)
    found: list[Value] = []
    path: list[str] = []
    comments: list[str] = []
    for line in filter(None, text.splitlines()):
        match = _LINE.match(line)
        assert match, f"values.yaml: {line}"
        if match["comment"]:
            comments.append(match["comment"])
            continue
        path = [*path[: len(match[1]) // 2], match["key"]]
        if comments:
            found.append(Value(tuple(path), at(defaults, path), " ".join(comments)))
            comments = []
    return found


def at(values: Any, path: list[str] | tuple[str, ...]) -> Any:
    """Return what *values* hold at *path*."""
    for key in path:
        values = values[key]
    return values


def shown(default: Any) -> str:
    """Return a default as --set-json takes it, without quotes around a word."""
    if isinstance(default, str):
        return default
    return json.dumps(default)
