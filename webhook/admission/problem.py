"""What is wrong with a pod, as data for its author."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake or remark: its code, its place, and the fault with its remedy."""

    code: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.code} {self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule of a CachePolicy finds in a pod."""

    rule: str
    mode: str
    policy: str
    problem: Problem


class Rejected(Exception):
    """The pod can't be admitted. It has every problem that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))
