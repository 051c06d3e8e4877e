"""Choose the files of a source: those that servers read by default, or those that patterns name.

Servers that follow transformers read safetensors, tokenizer, configuration and code (vLLM and
SGLang choose alike). Pickle runs code when it is read, and other formats contain the same weights
again. Patterns that somebody gives are taken at their word.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from msgspec.structs import replace

from webhook.loading.defaults import ALLOW, EARLIER, pickled_components, without_repetition
from webhook.loading.origins.origin import RemoteFile, Unavailable
from webhook.loading.quantisations import is_gguf, of_tag, offered, quantisations
from webhook.models.formats import ARCHIVES, PICKLE, may_be_weights
from webhook.models.schemes import REMOTE
from webhook.models.source import Source
from webhook.store.manifest import Globs
from webhook.values.text import some

_WITH_GGUF: Final = ("*.json", "*.jinja")
"""What is loaded next to one quantisation: servers that read it have the rest in its header."""


class Patterns(Globs, frozen=True):
    """Globs of paths: a file is wanted if it matches one of *allow* and none of *ignore*."""

    allow: tuple[str, ...] = ALLOW
    ignore: tuple[str, ...] = ()
    quantisation: str | None = None
    """The one of a repository of GGUF files."""

    @property
    def by_default(self) -> bool:
        """Whether nobody has named files: then repeated weights are left out."""
        return self.allow == ALLOW

    def fit(self, path: str) -> bool:
        """Whether a file may be wanted."""
        return globs_fit(path, self)

    def used_by(self, globs: Globs) -> bool:
        """Whether a model with these *globs* in its manifest was loaded by the same patterns."""
        earlier = self.by_default and globs.allow == EARLIER[0]
        ignored = (*EARLIER[1], *self.ignore) if earlier else self.ignore
        return globs.ignore in (ignored, self.ignore) and (earlier or globs.allow == self.allow)


def globs_fit(path: str, globs: Globs) -> bool:
    """Whether a path matches one of the globs to allow, and none of those to ignore."""
    return _any(path, globs.allow) and not _any(path, globs.ignore)


def patterns_of(source: Source, given: Patterns) -> Patterns:
    """Return *given*, with what its scheme loads by default if nobody has named other files."""
    allow = REMOTE[source.scheme].allow if source.scheme in REMOTE else ()
    given = replace(given, allow=allow) if allow and given.by_default else given
    return replace(given, quantisation=source.quantisation)


def chosen(
    files: Sequence[RemoteFile], patterns: Patterns, *, safetensors_only: bool
) -> list[RemoteFile]:
    """Return the wanted files; Unavailable if there are none, no weights, or refused ones."""
    names = _names(files, patterns)
    wanted = [file for file in files if file.path in names]
    if safetensors_only and (pickled := [f.path for f in wanted if _any(f.path, PICKLE)]):
        raise Unavailable(
            f"{some(pickled)}: pickle, which runs code when it is read, is refused here: "
            "leave it out with --ignore"
        )
    told = any(is_gguf(f.path) or _any(f.path.lower(), ARCHIVES) for f in files)
    if not wanted and not (told and patterns.by_default):
        raise Unavailable(
            f"none of the {len(files)} files is wanted ({some(f.path for f in files)}): "
            f"the patterns are {', '.join(patterns.allow)}; give others with --allow"
        )
    if not any(_has_weights(file.path, patterns) for file in wanted):
        raise Unavailable(_without_weights(files, wanted, patterns))
    if patterns.by_default and (pickled := pickled_components([f.path for f in files])):
        flags = " ".join(f"--allow '{glob}'" for glob in (*ALLOW, *pickled))
        raise Unavailable(
            f"{some(pickled)}: a part of the model has no other weights, and this is pickle, "
            f"which runs code when it is read: to load it all the same, give {flags}"
        )
    return wanted


def left_out(files: Sequence[RemoteFile], wanted: Iterable[RemoteFile]) -> str:
    """Return which safetensors the default leaves out, as text; empty if it takes them all."""
    taken = {file.path for file in wanted}
    rest = [f for f in files if f.path.endswith(".safetensors") and f.path not in taken]
    size = sum(file.size or 0 for file in rest) / 2**30
    return f"{some(file.path for file in rest)} ({size:.1f}Gi)" if rest else ""


def _names(files: Sequence[RemoteFile], patterns: Patterns) -> set[str]:
    paths = [file.path for file in files]
    fit = [path for path in paths if patterns.fit(path)]
    if patterns.quantisation:
        return {*of_tag(files, patterns.quantisation)} | {
            path
            for path in paths
            if _any(path, _WITH_GGUF if patterns.by_default else patterns.allow)
            and not is_gguf(path)
            and not _any(path, patterns.ignore)
        }
    if not patterns.by_default:
        return {*fit}
    if not any(path.endswith(".safetensors") for path in fit):
        ggufs = [path for path in paths if is_gguf(path) and not _any(path, patterns.ignore)]
        if len(models := quantisations(ggufs)) == 1:
            [name] = models
            found = [file for file in files if file.path in ggufs]
            return {*fit, *of_tag(found, name.rpartition("/")[2])}
        return {*fit}
    return {*without_repetition(fit)}


def _has_weights(path: str, patterns: Patterns) -> bool:
    """Whether a file can be weights. By default these are of two formats."""
    if patterns.by_default:
        return path.endswith(".safetensors") or is_gguf(path)
    return may_be_weights(path)


def _without_weights(
    files: Sequence[RemoteFile], wanted: Sequence[RemoteFile], patterns: Patterns
) -> str:
    """Return what to write so that weights are loaded."""
    archives = [file.path for file in files if _any(file.path.lower(), ARCHIVES)]
    if archives and not any(may_be_weights(file.path) for file in files):
        return (
            f"{some(archives)}: an archive is not unpacked, and no server reads it: unpack it "
            "into a directory, and load that (file:///directory)"
        )
    if not patterns.by_default:
        return (
            f"of its files only {some(f.path for f in wanted)} are wanted, and none has weights: "
            f"the patterns are {', '.join(patterns.allow)}; name the weights with --allow too"
        )
    if any(is_gguf(file.path) for file in files):
        return (
            f"it has no safetensors, but GGUF in several quantisations, {offered(files)}: name one "
            "behind a colon, such as org/name:Q4_K_M, or the file with --file"
        )
    weights = [file.path for file in files if may_be_weights(file.path)]
    if pickled := [path for path in weights if _any(path, PICKLE)]:
        flags = " ".join(f"--allow '{glob}'" for glob in (*_ends(pickled), *ALLOW[1:]))
        return (
            f"it has no safetensors ({some(pickled)}): the weights are pickle, which runs code "
            f"when it is read: to load them all the same, give {flags}"
        )
    if weights:
        return f"it has no safetensors ({some(weights)}): name the weights with --allow"
    return f"it has no safetensors ({some(f.path for f in files)}), and no other weights"


def _ends(paths: Iterable[str]) -> list[str]:
    return sorted({f"*.{path.rpartition('.')[2]}" for path in paths})


def _any(path: str, globs: Iterable[str]) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path, glob) or fnmatchcase(name, glob) for glob in globs)
