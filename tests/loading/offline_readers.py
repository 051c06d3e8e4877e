"""Read models as inference servers do, in an environment and with mounts that a pod has.

Run as a program: `python -m tests.loading.offline_readers` reads what to do as JSON from its input,
and prints name of the reader → file → sha256. It asks the libraries that the servers use. A rule of
a program that can't be installed here (Rust, or Python with a CUDA) is written out below, with where
it was read.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from huggingface_hub import constants, hf_hub_download, snapshot_download

Files = dict[str, str]
"""File → sha256 of what was read."""
CONFIGURATION: Final = ("config.json", "tokenizer.json", "tokenizer_config.json")


def read(folder: str | Path, *, pattern: str = "*") -> Files:
    """Return the files of a directory that match *pattern*."""
    paths = [path for path in sorted(Path(folder).glob(pattern)) if path.is_file()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def hub(repository: str, revision: str, _: list[str]) -> Files:
    """Ask huggingface_hub for single files, and for a snapshot."""
    files = [hf_hub_download(repository, name, revision=revision) for name in CONFIGURATION]
    snapshot = snapshot_download(repository, revision=revision)
    assert {Path(file).parent for file in files} == {Path(snapshot)}
    return read(snapshot)


def transformers(repository: str, revision: str, _: list[str]) -> Files:
    """Read the configuration and the tokenizer as every server does."""
    from transformers import AutoConfig, AutoTokenizer  # noqa: PLC0415  # a second, for those who ask

    config = AutoConfig.from_pretrained(repository, revision=revision)
    tokenizer = AutoTokenizer.from_pretrained(repository, revision=revision)
    assert config.model_type == "llama"
    assert tokenizer("a b")["input_ids"] == [1, 2]
    return read(snapshot_download(repository, revision=revision), pattern="*.json")


def safetensors(repository: str, revision: str, roots: list[str]) -> Files:
    """Open the weights, from each place where they may be looked for."""
    from safetensors import safe_open  # noqa: PLC0415  # it needs numpy

    found: list[Files] = []
    for root in roots:
        snapshot = snapshot_download(
            repository, revision=revision, cache_dir=root, allow_patterns=["*.safetensors"],
        )  # fmt: skip
        for path in Path(snapshot).glob("*.safetensors"):
            with safe_open(path, "numpy") as weights:
                assert [weights.get_tensor(key).nbytes for key in weights.keys()]  # noqa: SIM118
        found.append(read(snapshot, pattern="*.safetensors"))
    (first, *others) = found
    assert all(other == first for other in others)
    return first


def vllm(repository: str, revision: str, _: list[str]) -> Files:
    """Replace the name by the path of the snapshot, as vLLM does offline.

    vllm/transformers_utils/repo_utils.py get_model_path, from EngineArgs.__post_init__ (0.11.0).
    """
    path = snapshot_download(
        repository, revision=revision, local_files_only=True, ignore_patterns="*"
    )
    return read(path)


def lmdeploy(repository: str, revision: str, roots: list[str]) -> Files:
    """Take everything but *.pth, from the place of --download-dir (lmdeploy/utils.py get_model)."""
    return read(
        snapshot_download(
            repository, revision=revision, ignore_patterns=["*.pth"], cache_dir=roots[-1]
        )
    )


def sglang(repository: str, revision: str, roots: list[str]) -> Files:
    """Look for refs and snapshots itself (sglang/srt/model_loader/weight_utils.py, 0.5.23).

    find_local_repo_dir looks into --download-dir, then into huggingface_hub's HF_HUB_CACHE.
    """
    for root in (*reversed(roots[1:]), constants.HF_HUB_CACHE):
        folder = Path(root) / f"models--{repository.replace('/', '--')}"
        ref = folder / "refs" / revision
        if ref.is_file():
            return read(folder / "snapshots" / ref.read_text(), pattern="*.safetensors")
    raise FileNotFoundError(repository)


def tgi(repository: str, revision: str, _: list[str]) -> Files:
    """Scan for weights (text_generation_server/utils/hub.py _cached_weight_files, v3.3.7).

    It looks into huggingface_hub's constant HUGGINGFACE_HUB_CACHE, which HF_HUB_CACHE does not set.
    """
    folder = Path(constants.HUGGINGFACE_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    ref = folder / "refs" / revision
    commit = ref.read_text() if ref.exists() else revision
    return read(folder / "snapshots" / commit, pattern="*.safetensors")


def rust(repository: str, revision: str, _: list[str]) -> Files:
    """Look into the cache as the crate hf-hub does (src/lib.rs CacheRepo::get, 0.4 and 0.5).

    The routers of TGI and TEI give the crate the value of HUGGINGFACE_HUB_CACHE.
    """
    return _hf_hub(Path(os.environ["HUGGINGFACE_HUB_CACHE"]), repository, revision)


def rust_home(repository: str, revision: str, roots: list[str]) -> Files:
    """Look where the crate hf-hub looks by itself, as the router of LoRAX does offline.

    Without HF_HOME in the pod, that is the home of the image: the last of *roots*.
    """
    home = os.environ.get("HF_HOME")
    return _hf_hub(Path(home, "hub") if home else Path(roots[-1]), repository, revision)


def dynamo(repository: str, revision: str, _: list[str]) -> Files:
    """Look into the cache as the workers of Dynamo do first (lib/llm/src/hub.rs, 1.6.1).

    Only a model with a configuration, a tokenizer and all weights is found.
    """
    found = _hf_hub(Path(os.environ["HF_HUB_CACHE"]), repository, revision)
    assert {"config.json", "tokenizer.json"} <= found.keys()
    return found


def _hf_hub(root: Path, repository: str, revision: str) -> Files:
    """refs/<revision> must exist, also for a commit, and holds nothing but the commit."""
    folder = root / f"models--{repository.replace('/', '--')}"
    commit = (folder / "refs" / revision).read_text()
    return read(folder / "snapshots" / commit)


def llama_cpp(repository: str, _: str, __: list[str]) -> Files:
    """Look for any ref whose content is a commit (llama.cpp common/hf-cache.cpp)."""
    root = os.environ.get("LLAMA_CACHE") or os.environ["HF_HUB_CACHE"]
    folder = Path(root) / f"models--{repository.replace('/', '--')}"
    commits = {path.read_text() for path in (folder / "refs").iterdir()}
    (commit,) = (commit for commit in commits if re.fullmatch("[0-9a-f]{40}", commit))
    return read(folder / "snapshots" / commit)


READERS: Final[Mapping[str, Callable[[str, str, list[str]], Files]]] = {
    reader.__name__: reader
    for reader in (
        hub,
        transformers,
        safetensors,
        vllm,
        lmdeploy,
        sglang,
        tgi,
        rust,
        rust_home,
        dynamo,
        llama_cpp,
    )
}


def main() -> None:
    """Run the readers that the input names on its models, and print what they found."""
    asked: dict[str, Any] = json.load(sys.stdin)
    found = {
        f"{name} {repository}": READERS[name](repository, revision, asked["roots"])
        for repository, revision in asked["models"]
        for name in asked["readers"]
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
