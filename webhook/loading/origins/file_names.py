"""Check the names of files: none may lead out of the model, or replace its manifest."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from webhook.loading.origins.origin import Unavailable
from webhook.models.layout import MANIFEST
from webhook.values.text import quoted

_LONGEST: Final = 255
"""Bytes of a name (NAME_MAX)."""
_LONGEST_PATH: Final = 1024
"""Bytes of a path below the model, so that there is room for the path of the store."""
MOST: Final = 100_000
"""Files of a model; the largest repositories have a few thousand."""


def checked(paths: Iterable[str]) -> None:
    """Raise Unavailable with every name that is refused, and the reasons."""
    paths = list(paths)
    if len(paths) > MOST:
        raise Unavailable(f"it has {len(paths)} files: a model may have {MOST}")
    if faults := [*_alone(paths), *_together(paths)]:
        raise Unavailable("\n".join(faults))


def _alone(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if why := fault(path):
            yield f"{quoted(path)}: {why}"


def fault(path: str) -> str:
    """Return why a name is refused; empty if it is not."""
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or any(part in ("", ".", "..") for part in parts):
        return "is not a path below the model"
    if not path.isprintable():
        return "has characters that can't be printed"
    if parts[0] == MANIFEST:
        return "is the name of the manifest"
    if parts[0].startswith("models--"):
        return "is the name of a Hugging Face cache"
    try:
        lengths = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return "is not Unicode"
    if max(lengths) > _LONGEST or sum(lengths) + len(parts) > _LONGEST_PATH:
        return f"is too long: a name may have {_LONGEST} bytes, a path {_LONGEST_PATH}"
    return ""


def _together(paths: Iterable[str]) -> Iterator[str]:
    """Yield names that conflict: one that is listed twice, a file that is also a folder."""
    counted = Counter(paths)
    yield from (f"{quoted(path)}: is listed {n} times" for path, n in counted.items() if n > 1)
    folders = {path[:i] for path in counted for i, c in enumerate(path) if c == "/"}
    yield from (f"{quoted(p)}: is a file and a folder" for p in sorted(folders & counted.keys()))
