"""Which files of a repository are loaded if nobody names others: its weights once, not twice.

Repositories hold the same weights several times: in other precisions, in the format of their
maker, as checkpoints of the training. Servers read one of them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

ALLOW: Final = (
    "*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.py", "tokenizer*", "*.tiktoken",
    "*.spm", "*.bpe",
)  # fmt: skip
"""Weights, configuration, code, and what tokenizers read."""
EARLIER: Final = (
    ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.py", "tokenizer*"),
    ("original/*", "consolidated*"),
)
"""What earlier versions allowed and ignored by default. What they published stays as it is."""
_END: Final = ".safetensors"
_PRECISION: Final = r"(?:fp\d+\w*|bf16|f16|f32|int\d+|[48]bit|non_ema|no_ema|ema)"
_VARIANT: Final = re.compile(
    rf"(?P<stem>[^.]+)\.(?P<variant>{_PRECISION})(?:-\d+-of-\d+)?\.safetensors"
    rf"|(?P<whole>[^.]+)\.safetensors\.index\.(?P<of>{_PRECISION})\.json"
)
"""A variant, or its index: diffusers, pipelines/pipeline_loading_utils.py, VARIANT."""
_SHARD: Final = re.compile(r"-\d+-of-\d+$")
_PREFERRED: Final = ("bf16", "fp16", "fp32")
"""Which variant is taken where there is nothing but variants."""
_CHECKPOINT: Final = re.compile(r"checkpoint-\d+/")
_PIPELINE: Final = "model_index.json"
_PART: Final = re.compile(r"(?:diffusion_pytorch_)?model[.-]")
"""How the weights of a part of a pipeline are called, whether it has a configuration or not."""
_COMPONENT: Final = re.compile(r"(?:diffusion_)?pytorch_model\b.*\.bin")


def without_repetition(paths: Sequence[str]) -> list[str]:
    """Return *paths* without the files that have the weights of others again, in their order."""
    kept = list(paths)
    for repeated in (_original, _checkpoints, _consolidated, _beside_pipeline, _variants):
        again = set(repeated(kept))
        rest = [path for path in kept if path not in again]
        if any(map(_is_weights, rest)):
            kept = rest
    return kept


def pickled_components(paths: Sequence[str]) -> list[str]:
    """Return the pickles that a part of a model needs, since it has no other weights.

    Pipelines of diffusers and of sentence-transformers have a folder for each part.
    """
    if not {_PIPELINE, "modules.json"} & {*paths}:
        return []
    whole = {_folder(path) for path in paths if _is_weights(path)}
    parts = {_folder(path) for path in paths if path.endswith("/config.json")}
    return [
        path
        for path in paths
        if _folder(path) in parts - whole and _COMPONENT.fullmatch(_name(path))
    ]


def _original(paths: Iterable[str]) -> Iterator[str]:
    """Yield what the maker's own programs read (Llama, gpt-oss)."""
    return (path for path in paths if path.startswith("original/"))


def _checkpoints(paths: Iterable[str]) -> Iterator[str]:
    """Yield the checkpoints of a training next to its result."""
    paths = list(paths)
    if any(_is_weights(path) and "/" not in path for path in paths):
        yield from (path for path in paths if _CHECKPOINT.match(path))


def _consolidated(paths: Iterable[str]) -> Iterator[str]:
    """Yield Mistral's own format, where transformers' is there too."""
    paths = list(paths)
    both = {
        _folder(path)
        for path in paths
        if _is_weights(path) and not _name(path).startswith("consolidated")
    }
    for path in paths:
        if _name(path).startswith("consolidated") and _folder(path) in both:
            yield path


def _beside_pipeline(paths: Iterable[str]) -> Iterator[str]:
    """Yield the weights that no part of a pipeline has: one file for other programs."""
    paths = list(paths)
    if _PIPELINE not in paths:
        return
    parts = {_folder(path) for path in paths if path.endswith("/config.json")}
    for path in paths:
        named = "/" in path and _PART.match(_name(path))
        if _is_weights(path) and not named and _folder(path) not in parts:
            yield path


def _variants(paths: Iterable[str]) -> Iterator[str]:
    """Yield other precisions of weights that are there, and all but one where nothing else is."""
    paths = list(paths)
    plain = {_stem(path) for path in paths if _is_weights(path) and not _variant(path)}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in paths:
        if (variant := _variant(path)) and _is_weights(path):
            found[_stem(path)].add(variant)
    for path in paths:
        if variant := _variant(path):
            stem = _stem(path)
            if stem in plain or variant != min(found[stem], key=_rank, default=variant):
                yield path


def _rank(variant: str) -> tuple[int, str]:
    known = variant in _PREFERRED
    return (_PREFERRED.index(variant) if known else len(_PREFERRED)), variant


def _variant(path: str) -> str:
    found = _VARIANT.fullmatch(_name(path))
    return (found["variant"] or found["of"]) if found else ""


def _stem(path: str) -> tuple[str, str]:
    """Return the folder of weights, and their name without variant and number of the shard."""
    return _folder(path), _SHARD.sub("", _name(path).partition(".")[0])


def _is_weights(path: str) -> bool:
    return path.endswith(_END)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
