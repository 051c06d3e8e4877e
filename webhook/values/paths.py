"""Read the paths in annotations and mounts, and find out whether two of them meet."""

import posixpath
import re
from typing import Final

from webhook.values.text import quoted

SEGMENT: Final = re.compile(r"[A-Za-z0-9._+@-]+")
"""The form of what is between two slashes; "." and ".." are refused too."""
LONGEST_PATH: Final = 1024
SYSTEM: Final = ("/proc", "/sys", "/dev")
"""Directories of the kernel."""


def _segments(text: str, example: str) -> None:
    for segment in text.split("/"):
        if segment in ("..", ".", "") or not SEGMENT.fullmatch(segment):
            raise ValueError(
                f"{quoted(text)} is not a plain path such as {example}: "
                "letters, digits and . _ - + @ between slashes, no . or .."
            )
    if len(text) > LONGEST_PATH:
        raise ValueError(f"is longer than {LONGEST_PATH} characters")


def relative_path(text: str) -> str:
    """Read a relative directory without . and .., as a subPath must be."""
    stripped = text.rstrip("/")
    if stripped.startswith("/") or not stripped:
        raise ValueError(f"{quoted(text)} must be a relative directory such as llama-3.1-8b")
    _segments(stripped, "org/llama-3.1-8b")
    return stripped


def absolute_path(text: str) -> str:
    """Read an absolute directory below /, normalised; kernel directories are refused."""
    if not text.startswith("/"):
        raise ValueError(f"{quoted(text)} must be an absolute directory such as /models")
    inner = re.sub("/+", "/", text).strip("/")
    if not inner:
        raise ValueError('must not be "/", but a directory such as /models')
    _segments(inner, "/models/llama")
    path = "/" + inner
    if any(path == system or path.startswith(system + "/") for system in SYSTEM):
        raise ValueError(f"{quoted(text)} is below {', '.join(SYSTEM)}: use one such as /models")
    return path


def normalised(path: str) -> str:
    """Return a mount path as the kernel sees it: no trailing slash, no // and no dots."""
    if path[:1] == "/" and path[-1:] != "/" and "//" not in path and "/." not in path:
        return path
    return posixpath.normpath("/" + path.lstrip("/"))


def within(path: str, root: str) -> bool:
    """Whether a normalised path is *root*, or below it."""
    return path == root or path.startswith(root.rstrip("/") + "/")


def collide(one: str, other: str) -> bool:
    """Whether two normalised paths are the same, or one of them is below the other."""
    return (
        one == other
        or one.startswith(other.rstrip("/") + "/")
        or other.startswith(one.rstrip("/") + "/")
    )
