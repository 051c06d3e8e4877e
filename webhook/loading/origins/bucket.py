"""The objects below a prefix of a bucket, for S3 and Google Cloud Storage."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from webhook.loading.origins.file_names import MOST
from webhook.loading.origins.origin import RemoteFile, Snapshot, Unavailable
from webhook.values.text import quoted


def bucket_and_prefix(uri: str) -> tuple[str, str]:
    """Return the bucket of scheme://BUCKET/PREFIX, and what the names of its objects start with."""
    bucket, _, path = uri.partition("://")[2].partition("/")
    return bucket, f"{path}/" if path else ""


def snapshot(
    uri: str, prefix: str, listed: Callable[[str], Iterable[RemoteFile]]
) -> tuple[Snapshot, str]:
    """Return the objects below the prefix, or the one with that key, and what its key begins with.

    The commit is the digest of their names and ETags. *listed*: returns the objects with a prefix,
    by their full names. No more of them are read than a model may have files.
    """
    objects: Iterator[RemoteFile] = iter(listed(prefix))
    first = next(objects, None)
    if first is None and prefix:
        key = prefix.removesuffix("/")
        # Keys are sorted: an object comes before those whose keys are longer.
        objects = (one for one in islice(listed(key), 1) if one.path == key)
        prefix = key[: key.rfind("/") + 1]
    elif first is not None:
        objects = chain([first], objects)
    # Consoles create an object for a folder: it is empty, and has the folder's name.
    named = (one for one in objects if not (one.path.endswith("/") and not one.size))
    found = [_below(prefix, one) for one in islice(named, MOST + 1)]
    # A key may have a part without a name, which no path can have.
    files = tuple(one for one in found if "" not in one.path.split("/"))
    nameless = tuple(prefix + one.path for one in found if "" in one.path.split("/"))
    if not files:
        why = (
            f" but {quoted(nameless[0])}, and no file can have that name"
            if nameless
            else ", nor an object of that key"
        )
        raise Unavailable(f"{uri}: there is nothing below it{why}")
    lines = sorted(f"{file.path}\0{file.etag}\n" for file in files)
    commit = hashlib.sha256("".join(lines).encode(errors="surrogatepass")).hexdigest()
    return Snapshot(commit, files, nameless=nameless), prefix


def _below(prefix: str, file: RemoteFile) -> RemoteFile:
    return RemoteFile(file.path.removeprefix(prefix), file.size, md5=file.md5, etag=file.etag)
