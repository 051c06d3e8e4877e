"""Read documents from files, directories and standard input."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from webhook.documents.document import Document, cut
from webhook.values.text import printable

_SUFFIXES: Final = (".yaml", ".yml", ".json")
STDIN: Final = Path("-")


def _below(directory: Path) -> list[Path]:
    """Return every YAML and JSON file below *directory*, sorted, without hidden ones."""
    return sorted(
        path
        for path in directory.rglob("*")
        if path.suffix in _SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(directory).parts)
    )


def read_documents(paths: Iterable[Path]) -> list[Document]:
    """Return the documents in *paths*, in order; ValueError names every file that can't be read."""
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
    return cut(name, content)


def _stdin() -> bytes:
    if sys.stdin is None:
        raise OSError(0, "is closed")
    return sys.stdin.buffer.read()
