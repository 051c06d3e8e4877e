"""Owns the models of the tests: real files of any size, in the layout of a store.

This module writes safetensors files itself. That is faster than the library, and a test may want
broken ones.
"""

import hashlib
import json
import os
import secrets
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import webhook
from webhook.models.layout import MANIFEST, hub_cache_folder, hub_folder

COMMIT: Final = "0123456789abcdef0123456789abcdef01234567"
INDEX: Final = "model.safetensors.index.json"
BLOCK: Final = 2**20
CONFIG: Final = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 3}
TOKENIZER: Final = {
    "version": "1.0",
    "added_tokens": [],
    "model": {"type": "WordLevel", "vocab": {"<unk>": 0, "a": 1, "b": 2}, "unk_token": "<unk>"},
}


def safetensors(path: Path, size: int = 64, name: str = "w") -> None:
    """Write one tensor of *size* bytes, in which no two blocks are equal."""
    tensor = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
    header = json.dumps({name: tensor}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    block = bytes(range(256)) * (BLOCK // 256)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for start in range(0, size, BLOCK):
            numbered = struct.pack("<Q", start) + block
            file.write(memoryview(numbered)[: min(BLOCK, size - start)])


def gguf(
    path: Path, tensors: Sequence[tuple[int, int]] = ((2, 64),), *, order: str = "<", version: int = 3, alignment: int | None = None
) -> Path:  # fmt: skip
    """Write a GGUF file of zeros with tensors (type, elements); return its path.

    Its metadata have a value of each kind, one of them an array of arrays. Version, counts and
    layout: ggml-org/ggml, docs/gguf.md.
    """

    def text(value: str) -> bytes:
        return struct.pack(f"{order}Q", len(value)) + value.encode()

    def pair(key: str, kind: int, value: bytes) -> bytes:
        return text(key) + struct.pack(f"{order}I", kind) + value

    sizes = {0: (1, 4), 2: (32, 18), 12: (256, 144)}
    step = alignment or 32
    array = struct.pack(f"{order}IQ", 8, 2) + text("<s>") + text("</s>")
    pairs = [
        pair("general.architecture", 8, text("llama")),
        pair("llama.block_count", 4, struct.pack(f"{order}I", 1)),
        pair("llama.wide", 10, struct.pack(f"{order}Q", 1)),
        pair("llama.flag", 7, b"\1"),
        pair("tokenizer.ggml.tokens", 9, array),
        pair("tokenizer.ggml.scores", 9, struct.pack(f"{order}IQff", 6, 2, 0.5, 0.5)),
        pair("nested", 9, struct.pack(f"{order}IQ", 9, 1) + array),
    ]
    if alignment:
        pairs.append(pair("general.alignment", 4, struct.pack(f"{order}I", alignment)))
    infos, end = b"", 0
    for number, (kind, elements) in enumerate(tensors):
        start = -(-end // step) * step
        infos += text(f"blk.{number}") + struct.pack(f"{order}IQIQ", 1, elements, kind, start)
        block, size = sizes.get(kind, (1, 1))
        end = start + -(-elements // block) * size
    head = b"GGUF" + struct.pack(f"{order}IQQ", version, len(tensors), len(pairs))
    head += b"".join(pairs) + infos
    if tensors:
        head += bytes(-len(head) % step)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + bytes(end))
    return path


def sharded(directory: Path, shards: int = 2, size: int = 128) -> Path:
    """Write a model whose weights have *size* bytes in total, and return its directory."""
    directory.mkdir(parents=True, exist_ok=True)
    if shards == 1:
        safetensors(directory / "model.safetensors", size)
    else:
        names = [f"model-{i:05}-of-{shards:05}.safetensors" for i in range(1, shards + 1)]
        for number, name in enumerate(names):
            part = size * (number + 1) // shards - size * number // shards
            safetensors(directory / name, part, f"layer.{number}")
        weights = {f"layer.{number}": name for number, name in enumerate(names)}
        index = {"metadata": {"total_size": size}, "weight_map": weights}
        (directory / INDEX).write_text(json.dumps(index))
    (directory / "config.json").write_text("{}")
    return directory


def manifest(
    directory: Path, source: str = "hf://a/b", commit: str = COMMIT
) -> list[dict[str, Any]]:
    """Write the manifest for the current files of *directory*, and return its entries."""
    files = [
        {"path": str(path.relative_to(directory)), **_size_and_digest(path)}
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    ]
    content: dict[str, Any] = {
        "source": source,
        "commit": commit,
        "files": files,
        "patterns": {"allow": ["*.safetensors", "*.json"], "ignore": []},
        "version": webhook.__version__,
    }
    (directory / MANIFEST).write_text(json.dumps(content))
    return files


def _size_and_digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"size": path.stat().st_size, "sha256": digest}


def publish(
    store: Path,
    repository: str,
    size: int = 128,
    *,
    shards: int = 2,
    commit: str = COMMIT,
    ref: str = "main",
    hub_cache: bool = False,
) -> Path:
    """Publish a model of the hub below *store*, as a loader does; return its folder.

    Its weights have *size* bytes altogether. With *hub_cache* it is there a second time,
    as a cache of the hub's library; the files of both share their bytes.
    """
    incoming = store / ".incoming" / secrets.token_hex(8)
    sharded(incoming, shards, size)
    (incoming / "config.json").write_text(json.dumps(CONFIG))
    (incoming / "tokenizer.json").write_text(json.dumps(TOKENIZER))
    files = manifest(incoming, f"hf://{repository}@{ref}", commit)
    if hub_cache:
        cache = incoming / hub_cache_folder(repository)
        snapshot = cache / "snapshots" / commit
        for folder in (snapshot, cache / "blobs", cache / "refs"):
            folder.mkdir(parents=True)
        for file in files:
            os.link(incoming / file["path"], cache / "blobs" / file["sha256"])
            (snapshot / file["path"]).symlink_to(f"../../blobs/{file['sha256']}")
        for name in {"main", ref, commit}:
            (cache / "refs" / name).write_text(commit)
    published = store / hub_folder(repository) / commit
    published.parent.mkdir(exist_ok=True)
    incoming.rename(published)
    link = published.with_name(f".{ref}.{secrets.token_hex(8)}")
    link.symlink_to(commit)
    link.rename(published.with_name(ref))
    return published
