"""The layout of a store: where a model lies below a claim or a node's cache.

Webhook, loader, gate and command line compute every path here.

    <org>--<name>/<commit>/                         a published model, plain files
    <org>--<name>/<ref>                             relative link for a name that moves
    <org>--<name>/<commit>/models--<org>--<name>/   the same as one Hugging Face cache
    <sha256 of the URI>/<ref or sha256-…>/          a model whose source is not a hub
"""

import hashlib
from typing import Final

MANIFEST: Final = ".modelcache.json"
DEFAULT_REVISION: Final = "main"


def hub_folder(repository: str) -> str:
    """Return "org--name" for "org/name"; names with -- are refused, so no two collide."""
    return repository.replace("/", "--")


def hub_cache_folder(repository: str) -> str:
    """Return the folder of a repository in a Hugging Face cache, "models--org--name"."""
    return "models--" + hub_folder(repository)


def uri_folder(uri: str) -> str:
    """Return the folder of a source that is not a hub: the sha256 of its URI, hexadecimal."""
    return hashlib.sha256(uri.encode()).hexdigest()


def revision_folder(revision: str) -> str:
    """Return the folder, or the link, of a revision: an OCI digest has "-" for its colon there.

    A colon separates a hostPath from what follows it in the words of container runtimes.
    """
    return revision.replace(":", "-")


def node_label(repository: str, commit: str) -> str:
    """Return the label key that a node bears while it holds the model."""
    digest = hashlib.sha256(f"{repository}@{commit}".encode()).hexdigest()
    return f"modelcache.io/{digest[:16]}"


NODE_LABEL_VALUE: Final = "ready"

INCOMING: Final = ".incoming"
"""The folder of a store below which models are written."""


DEFAULT_ROOT: Final = "/var/lib/model-cache"
