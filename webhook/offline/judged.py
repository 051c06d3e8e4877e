"""A document with the outcomes for its objects."""

from dataclasses import dataclass
from typing import Any

from webhook.documents.aliases import unshared
from webhook.documents.contents import objects_of
from webhook.documents.document import Document
from webhook.documents.text import text_of
from webhook.offline.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A document and the outcomes for its objects, in their order."""

    document: Document
    content: Any
    outcomes: tuple[Outcome | None, ...] = ()

    @property
    def ours(self) -> list[Outcome]:
        """The outcomes for the objects that concern us."""
        return [outcome for outcome in self.outcomes if outcome]

    @property
    def is_list(self) -> bool:
        """Whether the document is a List."""
        return objects_of(self.content) is not None

    @property
    def dropped(self) -> bool:
        """Whether every object of the document is refused."""
        refused = [bool(outcome and outcome.refused) for outcome in self.outcomes]
        return bool(refused) and all(refused)

    def _content(self, *, admitted: bool) -> Any:  # noqa: ANN401  # any YAML value
        if not self.is_list:
            [outcome] = self.outcomes
            return outcome and (outcome.after if admitted else outcome.before)
        whole = unshared(self.content)
        if admitted:
            whole["items"] = type(whole["items"])(
                outcome.after if outcome else item
                for item, outcome in zip(whole["items"], self.outcomes, strict=True)
                if not (outcome and outcome.refused)
            )
        return whole

    @property
    def after(self) -> Any:  # noqa: ANN401  # any YAML value
        """The content that is admitted."""
        if not self.ours:
            return self.content
        return self._content(admitted=True)

    @property
    def text(self) -> bytes:
        """The content that is admitted, as YAML; the author's bytes if nothing changes."""
        if not any(outcome.operations or outcome.refused for outcome in self.ours):
            return self.document.text
        return text_of(self._content(admitted=False), self.after, self.document.text).encode()
