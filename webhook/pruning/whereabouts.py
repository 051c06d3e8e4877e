"""Find where a pod looks in the store: by a claim, or by a directory of a node."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from webhook.models.layout import DEFAULT_ROOT
from webhook.store.readers import View

WHOLE: Final = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What the options say about the place of the store; what they leave out may be anything."""

    name: str
    """The name of its folder, as prune sees it."""
    claims: frozenset[str] = frozenset()
    """NAMESPACE/NAME; several, if they lead to one file system."""
    directory: str | None = None
    """Its path on the node."""
    node: str | None = None

    def inside(self, view: View, folders: frozenset[str]) -> tuple[str, ...] | None:
        """Return the path in this store at which a pod looks, in parts; None: it looks elsewhere.

        *folders*: the names at the first level of the store.
        """
        parts = PurePosixPath(view.path).parts
        if view.claim:
            if self.claims and view.claim not in self.claims:
                return None
            if self.directory and not self.claims:
                return None
            return WHOLE if not parts or parts[-1] == self.name else _below(parts, folders)
        if self.node and view.node != self.node:
            return None
        if self.claims and not self.directory:
            return None
        root = PurePosixPath(self.directory or DEFAULT_ROOT)
        path = PurePosixPath(view.path)
        if path.is_relative_to(root):
            return path.relative_to(root).parts
        # Anywhere else: the node may know the directory by a second name.
        return _below(parts, folders)

    def hint(self, view: View) -> str:
        """Return which option would help, for a pod that mounts a whole claim."""
        if view.claim and not self.claims:
            return "; if that is another store, name this one with --claim or --host-path"
        return ""


def _below(parts: tuple[str, ...], folders: frozenset[str]) -> tuple[str, ...] | None:
    found = next((i for i, part in enumerate(parts) if part in folders), None)
    return None if found is None else parts[found:]
