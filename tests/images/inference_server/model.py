"""Find a model, map and read its files, compare them with the manifest, try to write."""

import hashlib
import json
import mmap
import os
import time
from pathlib import Path
from typing import Any, Final

MANIFEST: Final = ".modelcache.json"
CACHED: Final = "models--"
CHUNK: Final = 2**20

Json = dict[str, Any]


class CannotServeError(Exception):
    """The server can't start; the text says why."""


def directory(model: str) -> Path:
    """Return the directory of *model*; a name is looked up, or downloaded, by the hub's library.

    vLLM does the same: offline, it takes the snapshot that is in the cache, whatever files that has
    (get_model_path of vllm/transformers_utils/repo_utils.py, 0.11).
    """
    if (path := Path(model)).is_dir():
        return path
    try:
        from huggingface_hub import constants, snapshot_download
    except ImportError:
        raise CannotServeError(f"{model}: is not a directory") from None
    try:
        if constants.HF_HUB_OFFLINE:
            return Path(snapshot_download(model, local_files_only=True, ignore_patterns="*"))
        return Path(snapshot_download(model))
    except Exception as error:
        raise CannotServeError(f"{model}: {type(error).__name__}: {error}") from error


def read(model: Path) -> Json:
    """Read every byte of *model*, and report sizes and digests; they must match its manifest.

    Like real servers, it does not look into a cache of the hub that is next to the files.
    """
    began = time.monotonic()
    paths = []
    for folder, folders, names in os.walk(model):
        folders[:] = [name for name in folders if not name.startswith(CACHED)]
        paths += [Path(folder, name) for name in names]
    paths.sort()
    files = {str(path.relative_to(model)): digest_of(path) for path in paths}
    if not set(files) - {MANIFEST}:
        raise CannotServeError(f"{model}: is empty")
    whole = "".join(f"{file['sha256']}  {name}\n" for name, file in files.items())
    return {
        "path": str(model),
        "files": files,
        "bytes": sum(file["size"] for file in files.values()),
        "sha256": hashlib.sha256(whole.encode()).hexdigest(),
        "seconds": round(time.monotonic() - began, 3),
        "manifest": compare(model, files),
        "tensors": tensors(model, paths),
        "writeError": write_error(model),
    }


def digest_of(path: Path) -> Json:
    """Map the file, and return its size and the digest of the mapped bytes."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256()
            if size:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                    for start in range(0, size, CHUNK):
                        digest.update(mapped[start : start + CHUNK])
    except OSError as error:
        raise CannotServeError(f"{path}: {error.strerror}") from error
    return {"size": size, "sha256": digest.hexdigest()}


def compare(model: Path, files: Json) -> str:
    """Return whether there is a manifest. Raises CannotServeError with each file that differs."""
    if MANIFEST not in files:
        return "absent"
    try:
        listed = json.loads((model / MANIFEST).read_bytes())["files"]
        faults = [fault for entry in listed if (fault := differs(entry, files))]
    except (ValueError, KeyError, TypeError) as error:
        raise CannotServeError(f"{model}/{MANIFEST}: can't be read: {error!r}") from error
    if faults:
        raise CannotServeError("\n".join(f"{model}: {fault}" for fault in faults))
    return "agrees"


def differs(entry: Json, files: Json) -> str:
    """Return how a file differs from its *entry* in the manifest, or an empty text."""
    if entry["path"] not in files:
        return f"{entry['path']}: is missing"
    found = files[entry["path"]]
    return ", ".join(
        f"{entry['path']}: {what} is {found[what]}, the manifest says {entry[what]}"
        for what in ("size", "sha256")
        if found[what] != entry[what]
    )


def tensors(model: Path, paths: list[Path]) -> int | None:
    """Count the tensors that the safetensors library finds; None without the library."""
    try:
        from safetensors import SafetensorError, deserialize
    except ImportError:
        return None
    count = 0
    for path in (path for path in paths if path.suffix == ".safetensors"):
        try:
            count += len(deserialize(path.read_bytes()))  # type: ignore[no-untyped-call]
        except (SafetensorError, OSError) as error:
            raise CannotServeError(f"{model}: {path.name}: {error}") from error
    return count


def write_error(model: Path) -> str | None:
    """Try to write to *model*; return the error, or None if it could be written."""
    probe = model / f".written-{os.getpid()}"
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        return error.strerror
    return None
