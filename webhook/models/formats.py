"""Tell the formats of weights by the names of files."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

PICKLE: Final = ("*.bin", "*.pth", "*.pt", "*.ckpt", "*.pkl", "*.pickle", "*.joblib")
"""Names of files that are pickles, which run code when they are read."""
ARCHIVES: Final = ("*.tar", "*.tar.*", "*.tgz", "*.zip", "*.7z", "*.rar")
"""Names of archives, in small letters. Loaders unpack none, and servers read none."""
_BESIDES: Final = (
    "*.json", "*.jsonl", "*.txt", "*.md", "*.py", "*.pyc", "*.jinja", "*.yaml", "*.yml", "*.toml",
    "*.cfg", "*.ini", "*.tiktoken", "*.spm", "*.bpe", "*.vocab", "*.merges", "tokenizer*",
    "*spiece*.model", "*sentencepiece*.model", "*.bpe.model", "*.png", "*.jpg", "*.jpeg", "*.gif",
    "*.svg", "*.webp", "*.pdf", "*.html", "*.csv", "*.ipynb", "*.sh", "license*", "notice*",
    "readme*", "use_policy*", ".git*", "*.lock", "*.metadata", "cachedir.tag",
    "training_args.bin", "optimizer.*", "scheduler.*", "rng_state*", "*imatrix*", *ARCHIVES,
)  # fmt: skip
"""Names of files, in small letters, that are no weights: configuration, tokenizers, texts, images.
Any other file may be weights, since servers read formats that nobody listed here."""
_ANY: Final = "?"
"""Stands for one character that is not known."""


def may_be_weights(path: str) -> bool:
    """Whether the file at *path* can be weights, by its name."""
    name = path.rpartition("/")[2].lower()
    return not any(fnmatchcase(name, glob) for glob in _BESIDES)


def may_be_pickle(allow: Sequence[str], ignore: Sequence[str]) -> str | None:
    """Return the pattern of *allow* that a pickle can match, if *ignore* does not exclude it."""
    kinds = [kind.removeprefix("*") for kind in PICKLE if kind not in ignore]
    return next((glob for glob in allow if any(_may_end(glob, kind) for kind in kinds)), None)


def _may_end(glob: str, end: str) -> bool:
    """Whether a name that matches *glob* can end in *end*."""
    tail: list[str] = []
    rest = list(glob)
    while rest:
        character = rest.pop()
        if character == "*":
            break
        if character == "]" and "[" in rest:
            while rest.pop() != "[":
                pass
            character = _ANY
        tail.append(character)
    else:
        if len(tail) < len(end):
            return False
    pairs = zip(tail, reversed(end), strict=False)
    return all(one in (_ANY, other) for one, other in pairs)
