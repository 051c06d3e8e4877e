"""Compare the index of a sharded model with the files of its source, before it is downloaded."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from webhook.loading.origins.origin import RemoteFile, Unavailable
from webhook.store.shards import INDEX, lacking, shards_of
from webhook.values.text import some


def is_index(file: RemoteFile) -> bool:
    """Whether a file says which shards a model has."""
    return bool(INDEX.fullmatch(PurePosixPath(file.path).name))


def complete(
    folder: Path, indexes: Iterable[RemoteFile], wanted: Iterable[RemoteFile], offered: set[str]
) -> None:
    """Raise Unavailable unless all shards that *indexes*, which are in *folder*, name are wanted.

    *offered*: the names of all files of the source.
    """
    names = {file.path for file in wanted}
    faults = []
    for index in indexes:
        missing = _missing(folder, index.path, names)
        if gone := [shard for shard in missing if shard not in offered]:
            faults.append(
                f"{index.path}: names {some(gone)}, which the source does not have: if its other "
                f'files are whole, leave the index out with --ignore "{index.path}"'
            )
        if left_out := [shard for shard in missing if shard in offered]:
            faults.append(
                f"{index.path}: names {some(left_out)}, which --allow and --ignore leave out: "
                "load these too, or leave the index out"
            )
    if faults:
        raise Unavailable("\n".join(faults))


def _missing(folder: Path, index: str, names: set[str]) -> list[str]:
    """Return the shards that an index names and that are not wanted."""
    parent = PurePosixPath(index).parent
    there = {
        str(PurePosixPath(name).relative_to(parent))
        for name in names
        if PurePosixPath(name).is_relative_to(parent)
    }
    try:
        return [str(parent / shard) for shard in lacking(shards_of(folder / index), there)]
    except ValueError as error:
        raise Unavailable(f"{index}: is not an index of shards: it can't be read") from error
