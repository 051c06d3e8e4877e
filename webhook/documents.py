"""Files of YAML or JSON documents, cut apart so that each can be passed on byte for byte.

Every fault names its place: file, document where there are several, line.
"""

import io
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from webhook.decision import printable
from webhook.plain import plain

_MARK: Final = re.compile(
    rb"(?P<directives>(?:^%[^\n]*\n)*)"
    rb"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)[ \t]*(?:#[^\n]*|\r)?(?:\n|\Z)?",
    re.MULTILINE,
)
_CONTENT: Final = re.compile(rb"^[ \t]*[^\s#]", re.MULTILINE)
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_BOM: Final = b"\xef\xbb\xbf"
_LARGEST: Final = 16 * 2**20
"""Bytes of a document that is read; the API server takes 3 MiB of an object."""
STDIN: Final = Path("-")


class _Endless(ValueError):
    """An alias means what it stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: where it is, its bytes, and the bytes that separate it from the one before."""

    source: str
    number: int
    """Among the documents of its file that hold anything; 0: the only one."""
    line: int
    """Of its first byte, counted from 0."""
    separator: bytes
    directives: bytes
    text: bytes

    def at(self, line: int | None = None) -> str:
        """Return the place of *line* of this document, counted from 0; None: of the whole."""
        place = self.source + (f", document {self.number}" if self.number else "")
        return place if line is None else f"{place}, line {self.line + line + 1}"


def _below(directory: Path) -> list[Path]:
    """Return every YAML and JSON file below *directory*, sorted; hidden ones are left out."""
    return sorted(
        path
        for path in directory.rglob("*")
        if path.suffix in _SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(directory).parts)
    )


def read_documents(paths: Iterable[Path]) -> list[Document]:
    """Return the documents of *paths* in order; ValueError names every file that can't be read."""
    found: list[Document] = []
    faults = []
    for given in paths:
        if given == STDIN or not given.is_dir():
            files = [given]
        elif not (files := _below(given)):
            faults.append(f"{given}: holds no file that ends in {', '.join(_SUFFIXES)}")
        for file in files:
            try:
                found += _documents(file)
            except ValueError as error:
                faults.append(str(error))
    if faults:
        raise ValueError("\n".join(faults))
    return found


def _documents(file: Path) -> Iterator[Document]:
    name = "STDIN" if file == STDIN else printable(str(file))
    try:
        content = _stdin() if file == STDIN else file.read_bytes()
    except OSError as error:
        raise ValueError(f"{name}: {error.strerror}") from error
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{name}, line {line}: is not text: must be YAML or JSON in UTF-8"
        ) from error
    return _cut(name, content)


def _stdin() -> bytes:
    if sys.stdin is None:
        raise OSError(0, "is closed")
    return sys.stdin.buffer.read()


def _cut(name: str, content: bytes) -> Iterator[Document]:
    start = len(_BOM) if content.startswith(_BOM) else 0
    separator, directives = content[:start], b""
    parts: list[tuple[int, bytes, bytes, bytes]] = []
    for mark in [*_MARK.finditer(content, start), None]:
        text = content[start : mark.start() if mark else len(content)]
        if text or separator:
            parts.append((start, separator, directives, text))
        if mark:
            start, separator, directives = mark.end(), mark.group(), mark["directives"]
    several = sum(1 for *_, text in parts if _CONTENT.search(text)) > 1
    number = 0
    for start, separator, directives, text in parts:
        number += bool(several and _CONTENT.search(text))
        line = content.count(b"\n", 0, start)
        yield Document(source=name, number=number, line=line, separator=separator,
                       directives=directives, text=text)  # fmt: skip


def parse(document: Document) -> Any:  # noqa: ANN401  # any YAML value
    """Return the content, with comments and order kept; None if there is none."""
    if not _CONTENT.search(document.text):
        return None
    if len(document.text) > _LARGEST:
        raise ValueError(f"{document.at()}: is longer than {_LARGEST} bytes")
    fault = None
    if document.text.lstrip()[:1] == b"{" and not document.directives:
        try:
            return json.loads(document.text, object_pairs_hook=_once, parse_constant=_no_number)
        except json.JSONDecodeError as error:
            fault = f"{document.at(error.lineno - 1)}: is not JSON: {error.msg}"
        except ValueError as error:
            raise ValueError(f"{document.at()}: is not JSON: {error}") from error
        except RecursionError as error:
            raise ValueError(f"{document.at()}: is nested too deeply") from error
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.allow_duplicate_keys = False
    head = document.directives + b"---\n" if document.directives else b""
    try:
        if b"*" in document.text and (line := _endless(head + document.text)) is not None:
            at = document.at(line - head.count(b"\n"))
            raise _Endless(f"{at}: is not YAML: an alias means what it stands in")
        return yaml.load(head + document.text)
    except _Endless:
        raise
    except RecursionError as error:
        raise ValueError(f"{document.at()}: is nested too deeply") from error
    except (YAMLError, ValueError, TypeError, ArithmeticError, LookupError) as error:
        # Besides its own errors, ruamel lets those of Python's number and date types through.
        raise ValueError(fault or _fault(document, error, head.count(b"\n"))) from error


def _endless(text: bytes) -> int | None:
    """Return the line of an alias that means what it stands in: it has no end."""
    inside: list[str | None] = []
    for event in YAML(typ="safe", pure=True).parse(io.BytesIO(text)):
        match event:
            case MappingStartEvent() | SequenceStartEvent():
                inside.append(event.anchor)
            case MappingEndEvent() | SequenceEndEvent():
                inside.pop()
            case AliasEvent() if event.anchor in inside:
                return int(event.start_mark.line)
    return None


def _fault(document: Document, error: Exception, before: int) -> str:
    place, what = document.at(), str(error).partition("\n")[0]
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = document.at(max(0, mark.line - before)) if mark else place
        what = (error.problem or what).partition("\n")[0]
        begun = error.context_mark
        if begun and mark and begun.line != mark.line:
            what += f", in what begins on line {document.line + begun.line - before + 1}"
    if "'\\t'" in what:
        what += ": indent with spaces"
    return f"{place}: is not YAML: {printable(what, 300)}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f'found duplicate key "{printable(key, 60)}"')
        found[key] = value
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def objects_of(content: Any) -> list[Any] | None:  # noqa: ANN401  # any YAML value
    """Return the items of a List, None if *content* is something else."""
    if isinstance(content, dict) and str(content.get("kind", "")).endswith("List"):
        items = content.get("items") or []
        if isinstance(items, list):
            return items
    return None


def read_objects(paths: Iterable[Path]) -> list[tuple[str, Any]]:
    """Return (place, object) of each document; a List gives its items."""
    found: list[tuple[str, Any]] = []
    faults = []
    for document in read_documents(paths):
        try:
            content = parse(document)
            if content is not None:
                content = _plain_at(document, content)
        except ValueError as error:
            faults.append(str(error))
            continue
        items = objects_of(content)
        if items is not None:
            found += [(f"{document.at()}, item {i}", item) for i, item in enumerate(items, 1)]
        elif content is not None:
            found.append((document.at(), content))
    if faults:
        raise ValueError("\n".join(faults))
    return found


def _plain_at(document: Document, content: Any) -> Any:  # noqa: ANN401  # any YAML value
    try:
        return plain(content)
    except ValueError as error:
        raise ValueError(f"{document.at()}: {error}") from error
