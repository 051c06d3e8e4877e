"""Parse a document, with its author's comments and order; faults name their line."""

import io
import json
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

from webhook.documents.document import Document
from webhook.values.text import printable

_LARGEST: Final = 16 * 2**20
"""Bytes of the longest document that is read; the API server accepts objects of 3 MiB."""


class _Endless(ValueError):
    """An alias refers to something that contains it."""


def parse(document: Document) -> Any:  # noqa: ANN401  # any YAML value
    """Return the content with its comments and order; None if there is none."""
    if document.blank:
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
            raise _Endless(f"{at}: is not YAML: an alias refers to something that contains it")
        return yaml.load(head + document.text)
    except _Endless:
        raise
    except RecursionError as error:
        raise ValueError(f"{document.at()}: is nested too deeply") from error
    except (YAMLError, ValueError, TypeError, ArithmeticError, LookupError) as error:
        # ruamel also passes on the errors of Python's number and date types.
        raise ValueError(fault or _fault(document, error, head.count(b"\n"))) from error


def _endless(text: bytes) -> int | None:
    """Return the line, from 0, of an alias that refers to something that contains it."""
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
            what += f", in the block that begins on line {document.line + begun.line - before + 1}"
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
