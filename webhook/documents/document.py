"""Cut a file into documents that can be written back byte for byte."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_MARK: Final = re.compile(
    rb"(?P<directives>(?:^%[^\n]*\n)*)"
    rb"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)[ \t]*(?:#[^\n]*|\r)?(?:\n|\Z)?",
    re.MULTILINE,
)
_CONTENT: Final = re.compile(rb"^[ \t]*[^\s#]", re.MULTILINE)
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: where it is, its bytes, and the bytes that separate it from the one before."""

    source: str
    number: int
    """From 1, among the documents of the file that hold anything; 0: it is the only one."""
    line: int
    """The line of its first byte, from 0."""
    separator: bytes
    directives: bytes
    text: bytes

    @property
    def blank(self) -> bool:
        """Whether it holds nothing, or only comments."""
        return not _CONTENT.search(self.text)

    def at(self, line: int | None = None) -> str:
        """Return the place of *line*, from 0 in this document; None: the place of the document."""
        place = self.source + (f", document {self.number}" if self.number else "")
        return place if line is None else f"{place}, line {self.line + line + 1}"


def cut(name: str, content: bytes) -> Iterator[Document]:
    """Yield the documents of file *name*."""
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
