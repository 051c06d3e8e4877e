"""Where pods meet the store: by which claim, or as which directory of which node."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from webhook.models.layout import DEFAULT_ROOT
from webhook.store.readers import View

WHOLE: Final = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What is told of the store; what is not told may be anywhere."""

    name: str
    """Of its folder, as prune sees it."""
    claims: frozenset[str] = frozenset()
    """NAMESPACE/NAME; several, where they lead to one file system."""
    directory: str | None = None
    """What the node calls it."""
    node: str | None = None

    def inside(self, view: View, folders: frozenset[str]) -> tuple[str, ...] | None:
        """Return where a pod looks in this store: folder, revision …; None: into another place.

        *folders*: the first level of the store.
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
        # Wherever it lies: the node may know the directory by another name too.
        return _below(parts, folders)

    def hint(self, view: View) -> str:
        """Return what would tell more of a pod that sees all of something."""
        if view.claim and not self.claims:
            return "; if that is another store, say with --claim or --host-path which this one is"
        return ""


def _below(parts: tuple[str, ...], folders: frozenset[str]) -> tuple[str, ...] | None:
    found = next((i for i, part in enumerate(parts) if part in folders), None)
    return None if found is None else parts[found:]
