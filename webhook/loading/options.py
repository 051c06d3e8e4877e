"""The options of modelcache load."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from webhook.loading.patterns import Patterns


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be loaded, and how."""

    source: str
    store: Path
    patterns: Patterns
    safetensors_only: bool
    """Whether weights that are pickle are refused."""
    hub_cache: bool | None
    """Whether models of the hub become Hugging Face caches too; None: where the store allows it."""
    token: str | None
    endpoint: str | None
    """The hub's address, if it is not the usual one."""
    parallel: int
    """Files at once."""
    deadline: float
    """Seconds for the whole load."""
    stagger: float = 0.0
    """A download starts at a random moment within this many seconds."""
    xet: bool = False
    """Whether all files of the hub come by Xet, not only the largest."""
    full: bool = False
    """Whether a model that the store has is compared with its digests."""
    first: str | None = None
    """A nearer source, which is tried first."""
    node: "Node | None" = None
    """The node whose cache the store is, if it gets a label."""
    lease: "Lease | None" = None
    """Held while the model is downloaded, by one loader at a time."""


class Node(Protocol):
    """Records whether a node, whose cache the store is, has a model."""

    def lacks(self, label: str) -> None:
        """Record, before the first byte is written, that the node does not have the model.

        Raises Unavailable if that can't be recorded.
        """

    def holds(self, label: str) -> None:
        """Record that the node has the whole model; Unavailable if that can't be recorded."""


class Lease(Protocol):
    """Lets one loader of a model work at a time."""

    def held(self) -> AbstractContextManager[None]:
        """Wait until it is ours, and hold it for a `with` block; Unavailable if it is not."""
