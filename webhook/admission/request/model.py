"""A model that a pod requests, with everything that is known of it."""

from dataclasses import dataclass, field

from webhook.models import layout
from webhook.models.cached_model import CachedModel
from webhook.models.model_document import ModelFiles, SecretKey
from webhook.models.source import Source
from webhook.values.quantity import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model."""

    asked: str
    """Its name in the annotation."""
    source: Source
    directory: str
    """Below the root of the store."""
    laid_by_us: bool
    """Whether the directory follows the layout of stores, so that nodes have its label."""
    size: Quantity | None = None
    image: str | None = None
    image_directory: str | None = None
    """Below the root of the image."""
    offered: tuple[str, ...] = ()
    """The strategies that its CachedModel allows; empty: all."""
    mount_path: str | None = None
    files: ModelFiles = field(default_factory=ModelFiles)
    file: str | None = None
    """The one file in it that a server is pointed at, such as a .gguf file."""
    loading: str | None = None
    """Why no store holds it yet, and where to see it; None: one does, or it is not known."""
    token: SecretKey | None = None
    """The token that its source needs."""
    entry: CachedModel | None = None
    """What the catalogue says about it; None if it is not there."""

    @property
    def name(self) -> str:
        """What a server calls it: org/name, or the URI of a source that is not a hub."""
        return self.source.repository or self.source.uri

    @property
    def label(self) -> str | None:
        """The label of nodes that hold it; None if its commit is not known."""
        if self.laid_by_us and self.source.repository and self.source.commit:
            return layout.node_label(self.source.identity, self.source.commit)
        return None
