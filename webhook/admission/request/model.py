"""A model that a pod asks for, with everything that is known of it."""

from dataclasses import dataclass, field

from webhook.models import layout
from webhook.models.cached_model import ModelFiles, SecretKey
from webhook.models.source import Source
from webhook.values.quantity import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model, resolved."""

    asked: str
    """As the annotation names it."""
    source: Source
    directory: str
    """Below the root of the store."""
    laid_by_us: bool
    """Whether the directory is of the store's layout, so that nodes bear its label."""
    size: Quantity | None = None
    image: str | None = None
    image_directory: str | None = None
    """Below the root of the image."""
    offered: tuple[str, ...] = ()
    """The strategies that the catalogue allows; empty: all."""
    mount_path: str | None = None
    files: ModelFiles = field(default_factory=ModelFiles)
    token: SecretKey | None = None
    """Without which its source gives nothing."""

    @property
    def label(self) -> str | None:
        """The label of nodes that hold it; None if its commit is not known here."""
        if self.laid_by_us and self.source.repository and self.source.commit:
            return layout.node_label(self.source.repository, self.source.commit)
        return None
