"""Record which variables of the environment are read."""

import contextlib
import os
import sys
from collections.abc import ItemsView, Iterator
from typing import Any, Final

LISTED: Final = {
    "fsspec.config": "FSSPEC_*",
    "tqdm.utils": "TQDM_*",
    "wsgiref.handlers": "SERVER_SOFTWARE",  # it copies all variables for WSGI applications, which we lack
}
"""Modules that list the environment when they are imported → the pattern of names that they use."""
_PASSING_ON: Final = frozenset({"os", "posixpath", "pathlib", "collections.abc", __name__})


class _Listed(str):
    """A name from a listing: to read its value does not mean that it matters."""

    __slots__ = ()


@contextlib.contextmanager
def reads() -> Iterator[set[str]]:
    """Yield a set; the block adds patterns of the variables that it reads.

    Raises RuntimeError if a module lists the environment and is not in LISTED.
    """
    found: set[str] = set()
    plain: Any = type(os.environ)

    class Recording(plain):  # type: ignore[misc]  # its class has no public name
        def __getitem__(self, name: str) -> Any:
            if not isinstance(name, _Listed):
                found.add(name)
            return super().__getitem__(name)

        def __iter__(self) -> Iterator[str]:
            found.add(_looked_for())
            return map(_Listed, super().__iter__())

        def items(self) -> ItemsView[str, str]:
            return {str(name): self[name] for name in self}.items()

    environment: Any = os.environ
    environment.__class__ = Recording
    try:
        yield found
    finally:
        environment.__class__ = plain


def _looked_for() -> str:
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__") in _PASSING_ON:
        frame = frame.f_back
    module = str(frame.f_globals.get("__name__"))
    if module not in LISTED:
        raise RuntimeError(f"{module} lists the environment: name it and what it reads in LISTED")
    return LISTED[module]
