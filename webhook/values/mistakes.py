"""Collect the mistakes in options, and report them together."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from webhook.values.text import printable

T = TypeVar("T")


class Mistakes:
    """The mistakes so far, in the order in which they were found."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def read(self, option: str, of: Callable[[str], T], text: str | None) -> T | None:
        """Return what *of* reads from *text*; None if there is no text, or it is wrong."""
        try:
            return None if text is None else of(text)
        except ValueError as error:
            self.found += [f"{option}: {printable(line)}" for line in str(error).splitlines()]
            return None

    def each(self, option: str, of: Callable[[str], T], texts: Sequence[str]) -> list[T]:
        """Return what *of* reads from each of *texts*, without those that are wrong."""
        found = (self.read(option, of, text) for text in texts)
        return [value for value in found if value is not None]

    def raise_all(self) -> None:
        """Raise ValueError with one line for each mistake, if there are any."""
        if self.found:
            raise ValueError("\n".join(self.found))
