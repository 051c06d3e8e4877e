"""Find the model to load for a name or a source."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from webhook.admission.request.resolve import resolved
from webhook.models.catalogue import Catalogue
from webhook.models.layout import DEFAULT_REVISION, revision_folder
from webhook.models.model_document import ModelFiles, SecretKey
from webhook.models.source import Source
from webhook.values.quantity import Quantity

_SLUG: Final = 40
"""Characters of the model in a name, so that the whole name fits a DNS label (63)."""
_DIGITS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A model that a loader can load."""

    asked: str
    """As the user typed it."""
    source: Source
    size: Quantity | None
    files: ModelFiles
    token: SecretKey | None

    @property
    def text(self) -> str:
        """The source with its revision, as an argument of `load`."""
        return self.source.text

    @property
    def place(self) -> str:
        """The path of the model below the root of a store."""
        return f"{self.source.folder}/{revision_folder(self.source.revision or DEFAULT_REVISION)}"

    def named(self, prefix: str, store: str, *, of_revision: bool = True) -> str:
        """Return a DNS label that is unique for model, *store* and, if *of_revision*, revision."""
        last = self.source.identity.rpartition("/")[2].lower()
        slug = re.sub("[^a-z0-9]+", "-", last)[:_SLUG].strip("-")
        place = f"@{self.place}" if of_revision else ""
        digest = hashlib.sha256(f"{self.source.identity}{place}\n{store}".encode())
        return "-".join(filter(None, (prefix, slug, digest.hexdigest()[:_DIGITS])))


def wanted(text: str, catalogue: Catalogue) -> Wanted:
    """Return the model that *text* names; ValueError if there is none, or none to load."""
    source, entry = resolved(text, catalogue)
    if entry and entry.directory:
        raise ValueError(
            f"spec.directory of CachedModel {entry.name} is {entry.directory}, where pods look for "
            f"the model, but load publishes it as {source.folder}: leave spec.directory out, or "
            "fill that directory by hand"
        )
    return Wanted(
        asked=text,
        source=source,
        size=entry.size if entry else None,
        files=entry.files if entry else ModelFiles(),
        token=entry.token if entry else None,
    )
