"""Choose the files of a source; by default safetensors, tokenizer, configuration and code.

Servers that follow transformers read these files (vLLM and SGLang choose alike). Pickle runs code
when it is read, and other formats contain the same weights again.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from msgspec.structs import replace

from webhook.loading.origins.origin import RemoteFile, Unavailable
from webhook.models.formats import PICKLE
from webhook.models.schemes import REMOTE
from webhook.models.source import Source
from webhook.store.manifest import Globs

ALLOW: Final = (
    "*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.py", "tokenizer*",
)  # fmt: skip
IGNORE: Final = ("original/*", "consolidated*")
_SHOWN: Final = 5


class Patterns(Globs, frozen=True):
    """Globs of paths: a file is wanted if it matches one of *allow* and none of *ignore*."""

    allow: tuple[str, ...] = ALLOW
    ignore: tuple[str, ...] = IGNORE

    def fit(self, path: str) -> bool:
        """Whether a file is wanted."""
        return _any(path, self.allow) and not _any(path, self.ignore)


def patterns_of(source: Source, given: Patterns) -> Patterns:
    """Return *given*, with what its scheme loads by default if nobody has named other files."""
    allow = REMOTE[source.scheme].allow if source.scheme in REMOTE else ()
    return replace(given, allow=allow) if allow and given.allow == ALLOW else given


def chosen(
    files: Sequence[RemoteFile], patterns: Patterns, *, safetensors_only: bool
) -> list[RemoteFile]:
    """Return the wanted files; Unavailable if there are none, no weights, or refused ones."""
    wanted = [file for file in files if patterns.fit(file.path)]
    if safetensors_only and (pickled := [f.path for f in wanted if _any(f.path, PICKLE)]):
        raise Unavailable(
            f"{_some(pickled)}: pickle, which runs code when it is read, is refused here: "
            "leave it out with --ignore"
        )
    if not wanted:
        raise Unavailable(
            f"none of the {len(files)} files is wanted ({_some(f.path for f in files)}): "
            f"the patterns are {', '.join(patterns.allow)}; give others with --allow"
        )
    if patterns.allow == ALLOW and not any(f.path.endswith(".safetensors") for f in wanted):
        raise Unavailable(
            f"it has no safetensors ({_some(f.path for f in files)}): name the weights with --allow"
        )
    return wanted


def _any(path: str, globs: Iterable[str]) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path, glob) or fnmatchcase(name, glob) for glob in globs)


def _some(paths: Iterable[str]) -> str:
    paths = list(paths)
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more
