"""Write what the catalogue of models says as CEL: only here a digest can be computed."""

from collections.abc import Iterator, Mapping
from typing import Final

from webhook.admission.policy.documents import Policy
from webhook.admission.request.resolve import resolve
from webhook.models import layout
from webhook.models.cached_model import CachedModel
from webhook.objects import cel
from webhook.rendering.admission_policy.accepted import ACCEPTED

AUTO: Final = ("pvc", "hostPath", "image")
"""The order in which auto tries strategies, if the CachedModel has none."""
NONE: Final = {
    "name": "", "called": "", "repository": "", "revision": "", "floating": "", "folder": "",
    "directory": "", "image": "", "offered": "", "auto": AUTO[0], "label": "", "fault": "",
}  # fmt: skip
"""What is known of a model that is not in the catalogue."""
LARGEST: Final = 60_000
"""Characters of all entries. An expression of CEL has at most 100,000."""
_WITHOUT: Final = next(one.without for one in ACCEPTED if one.name == "directory")


def catalogue(policy: Policy) -> str:
    """Return all entries in their order, as a list of maps. ValueError if they are too long."""
    found = [cel.entries(_entry(model, policy)) for model in policy.catalogue.entries]
    written = "[\n" + ",\n".join(found) + "\n]"
    if len(written) > LARGEST:
        raise ValueError(
            f"--policy: {len(policy.models)} CachedModels are more than admission policies can "
            f"hold ({len(written):,} characters of {LARGEST:,}): give fewer, or run the webhook"
        )
    return written


def _entry(entry: CachedModel, policy: Policy) -> Mapping[str, str]:
    """Return what the policies need of *entry*; each value is a text, empty for none."""
    (model,), _ = resolve([entry.name], policy.catalogue)
    source = entry.source
    return {
        "name": entry.name,
        "called": model.name,
        "repository": source.identity if source.repository else "",
        "revision": layout.revision_folder(source.revision or ""),
        "floating": entry.floating,
        "folder": source.folder,
        "directory": entry.directory or "",
        "image": entry.image or "",
        "offered": ",".join(entry.strategies),
        "auto": _by_auto(entry),
        "label": model.label or "",
        "fault": "; ".join(_faults(entry)),
    }


def _by_auto(entry: CachedModel) -> str:
    """Return the strategy that auto chooses where nothing is known of the cluster."""
    offered = entry.strategies or AUTO
    return next((name for name in offered if name != "image" or entry.image), "")


def _faults(entry: CachedModel) -> Iterator[str]:
    """Yield why the policies can't inject the model."""
    if entry.file:
        yield "has spec.file, and they set no variable for a file"
    if entry.directory and any(part in f"/{entry.directory}/" for part in _WITHOUT):
        yield "has a spec.directory that is a snapshot in a Hugging Face cache"
