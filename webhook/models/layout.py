"""The layout of a store: where a model is below a claim or the cache of a node.

Webhook, loader, gate and commands compute every path here.

    <org>--<name>/<commit>/                         a published model, plain files
    <org>--<name>/<ref>                             relative link for a branch or tag
    <org>--<name>--<quantisation>/…                 the same for org/name:Q4_K_M
    <org>--<name>/<commit>/models--<org>--<name>/   the same as one Hugging Face cache
    <sha256 of the URI>/<ref or sha256-…>/          a model whose source is not a hub
"""

import hashlib
from typing import Final

MANIFEST: Final = ".modelcache.json"
DEFAULT_REVISION: Final = "main"
HUB_CACHE: Final = "models--"
"""Begins the folder of a model in a Hugging Face cache."""


def hub_folder(repository: str, quantisation: str | None = None) -> str:
    """Return "org--name" for "org/name", "org--name--Q4_K_M" for one of its quantisations.

    No two collide, since names with -- are refused.
    """
    return "--".join((*repository.split("/"), *filter(None, (quantisation,))))


def identity_of(folder: str) -> str:
    """Return "org/name" or "org/name:Q4_K_M" for the folder of such a model."""
    return folder.replace("--", "/", 1).replace("--", ":", 1)


def hub_cache_folder(repository: str) -> str:
    """Return the folder of a repository in a Hugging Face cache, "models--org--name"."""
    return HUB_CACHE + hub_folder(repository)


def uri_folder(uri: str) -> str:
    """Return the folder of a source that is not a hub: the sha256 of its URI, hexadecimal."""
    return hashlib.sha256(uri.encode()).hexdigest()


def revision_folder(revision: str) -> str:
    """Return the name of the folder, or of the link, of a revision.

    The colon of an OCI digest becomes "-": container runtimes separate a path of the node
    from the path in the container by a colon.
    """
    return revision.replace(":", "-")


def node_label(identity: str, commit: str) -> str:
    """Return the key of the label that a node has while it holds org/name[:quantisation]."""
    digest = hashlib.sha256(f"{identity}@{commit}".encode()).hexdigest()
    return f"modelcache.io/{digest[:16]}"


NODE_LABEL_VALUE: Final = "ready"

INCOMING: Final = ".incoming"
"""The folder of a store in which loaders write models until they are complete."""


DEFAULT_ROOT: Final = "/var/lib/model-cache"
