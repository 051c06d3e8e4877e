"""Owns the small models of these tests: safetensors files and manifests, written by hand."""

import json
import struct
from pathlib import Path


def safetensors(path: Path, size: int = 64) -> None:
    """Write one tensor of *size* bytes."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        struct.pack("<Q", len(header)) + header + bytes(range(256)) * (size // 256 + 1)
    )
    with path.open("r+b") as file:
        file.truncate(8 + len(header) + size)


def sharded(directory: Path, shards: int = 2) -> Path:
    """Write a model of several shards with its index, and return its directory."""
    names = [f"model-{i:05}-of-{shards:05}.safetensors" for i in range(1, shards + 1)]
    for name in names:
        safetensors(directory / name)
    weights = {f"layer.{i}": name for i, name in enumerate(names)}
    index = {"metadata": {}, "weight_map": weights}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    (directory / "config.json").write_text("{}")
    return directory


def manifest(directory: Path) -> None:
    """Write the manifest of what *directory* holds now."""
    files = [
        {"path": str(file.relative_to(directory)), "size": file.stat().st_size, "sha256": "0" * 64}
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    ]
    (directory / ".modelcache.json").write_text(json.dumps({"source": "hf://a/b", "files": files}))
