"""What is wrong with options, all of it at once."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Mistakes:
    """The mistakes so far, in the order in which they were found."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def read(self, option: str, of: Callable[[str], T], text: str | None) -> T | None:
        """Return what *of* reads, None if there is nothing or it is wrong."""
        try:
            return None if text is None else of(text)
        except ValueError as error:
            self.found += [f"{option}: {line}" for line in str(error).splitlines()]
            return None

    def tell(self) -> None:
        """ValueError with a line for each mistake, if there is one."""
        if self.found:
            raise ValueError("\n".join(self.found))
