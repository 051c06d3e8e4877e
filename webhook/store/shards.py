"""Find shards that are missing: those that an index names, and gaps in numbered names."""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

INDEX: Final = re.compile(r"(?P<whole>.+\.(?:safetensors|bin))\.index(?:\.[\w-]+)?\.json")
"""The name of an index. Variants have their name in it: model.safetensors.index.fp16.json."""
_SHARD: Final = re.compile(
    r"(?P<start>.*?)(?P<number>\d{1,6})-of-(?P<count>\d{1,6})"
    r"(?P<end>\.(?:safetensors|gguf|bin|pt|pth|ckpt))"
)
_WEIGHTS: Final = frozenset({".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt"})
_MOST: Final = 5
"""Missing shards that are named; there may be thousands."""


def index_faults(file: Path) -> Iterator[str]:
    """Yield the shards that the index *file* names and that are missing."""
    try:
        shards = shards_of(file)
    except ValueError:
        yield "can't be read"
        return
    there = {path.name for path in file.parent.iterdir()}
    there |= {name for name in shards if (file.parent / name).exists()}
    yield from (f"names {name}, which is missing" for name in lacking(shards, there))


def shards_of(file: Path) -> list[str]:
    """Return the shards that the index *file* names, below its folder; ValueError if it is none."""
    try:
        return sorted({str(name) for name in json.loads(file.read_bytes())["weight_map"].values()})
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("is not an index of shards") from error


def lacking(shards: Sequence[str], there: Collection[str]) -> list[str]:
    """Return the shards of an index that are not *there*, the names of files below its folder.

    A repository may have an index of a format that was not loaded: none of its shards is there, and
    weights of another format are. Then none is lacking.
    """
    missing = [name for name in shards if name not in there]
    formats = {PurePosixPath(name).suffix for name in shards}
    others = {PurePosixPath(name).suffix for name in there if "/" not in name} - formats
    return [] if len(missing) == len(shards) and others & _WEIGHTS else missing


def gaps(paths: Collection[Path]) -> Iterator[str]:
    """Yield the shards of numbered series that are not among *paths*, such as 2 of 3.

    Series that have an index are left out: that names the shards.
    """
    indexed = {
        (path.parent, Path(found["whole"]).stem)
        for path in paths
        if (found := INDEX.fullmatch(path.name))
    }
    series: dict[tuple[Path, str, int, str, int], set[int]] = defaultdict(set)
    for path in paths:
        if found := _SHARD.fullmatch(path.name):
            start, width = found["start"], len(found["number"])
            # A variant has its name in between: model.fp16-00001-of-00002.safetensors.
            if (path.parent, start.rstrip("-_.").partition(".")[0]) not in indexed:
                key = (path.parent, start, int(found["count"]), found["end"], width)
                series[key].add(int(found["number"]))
    for (folder, start, count, end, width), numbers in sorted(series.items()):
        first = 0 if 0 in numbers else 1
        missing = [number for number in range(first, first + count) if number not in numbers]
        for number in missing[:_MOST]:
            yield f"{folder / f'{start}{number:0{width}}-of-{count:0{width}}{end}'}: is missing"
        if len(missing) > _MOST:
            yield f"{folder / start}…: {len(missing) - _MOST} more of {count} are missing"
