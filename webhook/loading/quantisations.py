"""Find the files of one quantisation in a repository of GGUF files: org/name:Q4_K_M.

The notation is that of llama.cpp (-hf), Ollama and Docker Model Runner. The tag is a part of the
file's name, whatever its case; or the whole name, as Ollama takes it. llama.cpp takes the first
file that fits (common/download.cpp, find_best_model); here a tag that fits several is refused.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final

from webhook.loading.origins.origin import RemoteFile, Unavailable
from webhook.values.text import some

END: Final = ".gguf"
_SHARD: Final = re.compile(r"-\d{5}-of-\d{5}(?=\.gguf$)", re.IGNORECASE)
_TAG: Final = re.compile(
    r"(?:^|[-._/])((?:UD-)?(?:I?Q\d\w*|TQ\d\w*|BF16|F16|F32|FP16|FP32|MXFP4\w*))(?=[-./]|$)",
    re.IGNORECASE,
)
"""The quantisation in a name, as llama-quantize writes it."""
_NOT_MODELS: Final = ("mmproj", "imatrix")
"""In names of files that a model needs in addition, or that it was made with."""
_PROJECTORS: Final = ("F16", "BF16", "F32", "Q8_0")
"""Which projector of pictures is taken, the best-supported first."""
_SHOWN: Final = 40


def is_gguf(path: str) -> bool:
    """Whether a file is GGUF."""
    return path.lower().endswith(END)


def quantisations(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return the models in GGUF: the name of a file without its number of a shard → its files."""
    found: dict[str, list[str]] = {}
    for path in sorted(paths):
        if is_gguf(path) and not any(word in path.lower() for word in _NOT_MODELS):
            found.setdefault(_SHARD.sub("", path), []).append(path)
    return found


def of_tag(files: Sequence[RemoteFile], tag: str) -> list[str]:
    """Return the files of the quantisation *tag*; Unavailable if there is none, or several."""
    models = quantisations(file.path for file in files)
    if not models:
        raise Unavailable(f":{tag} names a quantisation, and it has no GGUF files: leave it out")
    found = _matching(models, tag)
    if not found:
        raise Unavailable(f"has no quantisation {tag}, only {offered(files)}")
    if len(found) > 1:
        names = ", ".join(PurePosixPath(name).name for name in sorted(found))
        raise Unavailable(f"{tag} may be each of {names}: name the file behind the colon")
    [name] = found
    return [*models[name], *_projector(files, name)]


def offered(files: Iterable[RemoteFile]) -> str:
    """Return the quantisations with their sizes, as text."""
    files = list(files)
    sizes = {file.path: file.size or 0 for file in files}
    found: dict[str, int] = {}
    for name, parts in quantisations(sizes).items():
        tags = _TAG.findall(name)
        tag = tags[-1] if tags else PurePosixPath(name).name
        tag = PurePosixPath(name).name if tag in found else tag
        found[tag] = sum(sizes[part] for part in parts)
    return some((f"{tag} ({size / 2**30:.1f}Gi)" for tag, size in sorted(found.items())), _SHOWN)


def _matching(models: Iterable[str], tag: str) -> list[str]:
    """Return the models that *tag* fits: by the whole name, or else as a part of it."""
    models, low = list(models), tag.lower()
    exact = {low, f"{low}{END}", _SHARD.sub("", low)}
    if whole := [name for name in models if PurePosixPath(name.lower()).name in exact]:
        return whole
    part = re.compile(rf"(?:^|[-._/]){re.escape(tag)}(?=[-./])", re.IGNORECASE)
    found = [name for name in models if part.search(name)]
    # Dynamic quantisations have a name of their own: UD-Q4_K_XL.
    plain = [name for name in found if not re.search(rf"UD-{re.escape(tag)}", name, re.IGNORECASE)]
    return plain or found


def _projector(files: Iterable[RemoteFile], model: str) -> list[str]:
    """Return the file that a model needs for pictures, from its folder or from one above."""
    above = {str(folder) for folder in PurePosixPath(model).parents}
    found = [
        file.path
        for file in files
        if is_gguf(file.path)
        and "mmproj" in file.path.lower()
        and str(PurePosixPath(file.path).parent) in above
    ]
    return [min(found, key=_rank)] if found else []


def _rank(path: str) -> tuple[int, int, str]:
    words = re.split(r"[-._]", PurePosixPath(path).name.upper())
    known = [number for number, word in enumerate(_PROJECTORS) if word in words]
    return -path.count("/"), (known or [len(_PROJECTORS)])[0], path
