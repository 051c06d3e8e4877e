"""CATALOGUE of models: the CachedModels of the platform, and built-in ones.

A pod names a model by its name here, or by its source. The entry then gives what the
annotations of the pod don't: size, directory, image, revision.
"""

import difflib
from collections.abc import Iterable
from typing import Final

from webhook.models.cached_model import CachedModel
from webhook.models.source import Source
from webhook.values.quantity import Quantity
from webhook.values.text import quoted


def _built_in(name: str, repository: str, tensor_bytes: int) -> CachedModel:
    return CachedModel(
        name=name,
        source=Source(uri=f"hf://{repository}", repository=repository, revision=None),
        size=Quantity(tensor_bytes),
    )


BUILT_IN: Final = (
    # Bytes of the tensors, from model.safetensors.index.json of each repository.
    _built_in("llama-3.1-8b-instruct", "meta-llama/Llama-3.1-8B-Instruct", 16_060_522_496),
    _built_in("llama-3.1-70b-instruct", "meta-llama/Llama-3.1-70B-Instruct", 141_107_412_992),
    _built_in("mistral-7b-instruct", "mistralai/Mistral-7B-Instruct-v0.3", 14_496_047_104),
    _built_in("phi-2", "microsoft/phi-2", 5_559_367_680),
)


class UnreadError(ValueError):
    """A name that a CachedModel may have which could not be read."""


class Catalogue:
    """The entries, found by name or by source. Those given win over built-in ones."""

    def __init__(self, given: Iterable[CachedModel] = (), *, complete: bool = True) -> None:
        """*complete*: whether the cluster has no other CachedModels, as far as anybody knows."""
        self._complete = complete
        self.entries = (*given, *BUILT_IN)
        self._by_name: dict[str, CachedModel] = {}
        self._by_identity: dict[str, list[CachedModel]] = {}
        for entry in self.entries:
            self._by_name.setdefault(entry.name, entry)
            self._by_identity.setdefault(entry.source.identity, []).append(entry)

    def named(self, name: str) -> CachedModel:
        """Return the entry with that name. If there is none, raises ValueError with the nearest.

        UnreadError if it is not known whether there is one.
        """
        if found := self._by_name.get(name):
            return found
        if not self._complete:
            raise UnreadError(
                f"CachedModels could not be read, so it is not known which model {quoted(name)} is"
            )
        near = difflib.get_close_matches(name[:60], self._by_name, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ValueError(
            f"{quoted(name)} is not in the catalogue; {hint}"
            "write org/name[@revision], or ask the platform team for a CachedModel"
        )

    def of(self, source: Source) -> CachedModel | None:
        """Return the first entry that *source* means."""
        return next(
            (e for e in self._by_identity.get(source.identity, ()) if e.is_of(source)), None
        )
