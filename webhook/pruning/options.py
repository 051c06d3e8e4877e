"""Read the options of prune, and compare them with each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from webhook.pruning.whereabouts import Whereabouts
from webhook.values import duration
from webhook.values.mistakes import Mistakes
from webhook.values.paths import absolute_path
from webhook.values.quantity import Quantity
from webhook.values.readers import amount, object_name
from webhook.values.text import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options as given; None: not given."""

    store: Path
    older_than: str | None = None
    unused_for: str | None = None
    keep_bytes: str | None = None
    model: Sequence[str] = ()
    include_current: bool = False
    claim: Sequence[str] = ()
    host_path: str | None = None
    node: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which models may be removed, and by what pods reach the store."""

    store: Path
    older_than: float | None
    """Seconds."""
    unused_for: float | None
    """Seconds."""
    keep_bytes: Quantity | None
    models: tuple[str, ...]
    include_current: bool
    where: Whereabouts

    @property
    def asks(self) -> bool:
        """Whether models are selected, and not only the remains of loaders."""
        return bool(self.models) or (self.older_than, self.unused_for, self.keep_bytes) != (
            None, None, None,
        )  # fmt: skip

    @classmethod
    def of(cls, given: Given) -> Self:
        """Return what *given* means; ValueError names every mistake."""
        mistakes = Mistakes()
        read = mistakes.read
        if not given.store.is_dir():
            why = "is not a directory: is the claim or the cache mounted?"
            mistakes.found.append(f"{given.store}: {why}")
        claims = mistakes.each("--claim", _claim, given.claim)
        found = cls(
            store=given.store,
            older_than=read("--older-than", duration.age, given.older_than),
            unused_for=read("--unused-for", duration.age, given.unused_for),
            keep_bytes=read("--keep-bytes", amount, given.keep_bytes),
            models=tuple(given.model),
            include_current=given.include_current,
            where=Whereabouts(
                name=given.store.resolve().name,
                claims=frozenset(claims),
                directory=read("--host-path", absolute_path, given.host_path),
                node=read("--node", object_name, given.node),
            ),
        )
        if given.include_current and not found.asks and not mistakes.found:
            why = "has no effect without an option that selects models, such as --model"
            mistakes.found.append(f"--include-current: {why}")
        mistakes.raise_all()
        return found


def _claim(text: str) -> str:
    namespace, slash, name = text.partition("/")
    if not slash:
        raise ValueError(f"{quoted(text)} must be NAMESPACE/NAME, such as ai-inference/model-store")
    return f"{object_name(namespace)}/{object_name(name)}"
