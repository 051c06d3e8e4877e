"""Files of YAML or JSON documents, cut apart so that each can be passed on byte for byte."""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

_SEPARATOR: Final = re.compile(rb"^---(?=[ \t\r\n]|$)[^\n]*\n?", re.MULTILINE)
_SUFFIXES: Final = (".yaml", ".yml", ".json")
STDIN: Final = Path("-")


@dataclass(frozen=True, slots=True)
class Document:
    """One document: where it is, its bytes, and the bytes that separate it from the one before."""

    place: str
    separator: bytes
    text: bytes


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield each file of *paths*, and of directories every YAML and JSON file, sorted."""
    for path in paths:
        if path != STDIN and path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES and p.is_file())
        else:
            yield path


def read_documents(paths: Iterable[Path]) -> Iterator[Document]:
    """Yield the documents of *paths* in order; ValueError names a file that can't be read."""
    for path in files(paths):
        try:
            content = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}") from error
        name = "standard input" if path == STDIN else str(path)
        end, separator, number = 0, b"", 0
        marks = [*_SEPARATOR.finditer(content), None]
        for mark in marks:
            text = content[end : mark.start() if mark else len(content)]
            if text or separator:
                number += 1
                yield Document(f"{name} ({number})", separator, text)
            if mark:
                end, separator = mark.end(), mark.group()


def parse(document: Document) -> Any:  # noqa: ANN401  # any YAML value
    """Return the content, with comments and order kept; None if there is none."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.allow_duplicate_keys = False
    try:
        return yaml.load(document.text)
    except (YAMLError, ValueError, RecursionError) as error:
        where = document.place
        if isinstance(error, MarkedYAMLError) and error.problem_mark:
            where += f", line {error.problem_mark.line + 1}"
        what = getattr(error, "problem", None) or type(error).__name__
        raise ValueError(f"{where}: is not YAML: {what}") from error


def read_objects(paths: Iterable[Path]) -> list[tuple[str, Any]]:
    """Return (place, object) of each document; a List gives its items."""
    found: list[tuple[str, Any]] = []
    for document in read_documents(paths):
        content = parse(document)
        if content is None:
            continue
        if isinstance(content, dict) and str(content.get("kind", "")).endswith("List"):
            items = content.get("items") or []
            found += [(f"{document.place} item {i}", item) for i, item in enumerate(items, 1)]
        else:
            found.append((document.place, content))
    return found
