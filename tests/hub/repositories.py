"""Keep repositories in one folder: blobs by their sha256, and an index of commits and refs.

No name from a client becomes a path: it is looked up in a commit, which names blobs.
"""

import os
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from tests.hub import git

LFS_SUFFIXES: Final = (".bin", ".gguf", ".onnx", ".pt", ".pth", ".safetensors")
LFS_LIMIT: Final = 10 * 2**20
"""Bytes; a larger file is in Git LFS whatever its name. The CDN serves files in Git LFS."""
SHA256: Final = re.compile(r"[0-9a-f]{64}")
COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_REPO: Final = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_REF: Final = re.compile(r"[A-Za-z0-9][\w./-]*", re.ASCII)


class Blob(msgspec.Struct, frozen=True):
    """The content of a file."""

    sha256: str
    size: int
    git: str
    """The id of its git blob."""


class File(msgspec.Struct, frozen=True):
    """A file of a commit."""

    name: str
    blob: Blob

    @property
    def lfs(self) -> bool:
        """Whether it is in Git LFS, with a pointer in git."""
        return self.name.endswith(LFS_SUFFIXES) or self.blob.size > LFS_LIMIT

    @property
    def pointer(self) -> bytes:
        """The pointer in git."""
        return git.pointer(self.blob.sha256, self.blob.size)

    @property
    def git(self) -> str:
        """The id of the blob in git."""
        return git.object_id("blob", self.pointer) if self.lfs else self.blob.git

    @property
    def etag(self) -> str:
        """The ETag, without quotes."""
        return self.blob.sha256 if self.lfs else self.blob.git


class Commit(msgspec.Struct, frozen=True):
    """A state of a repository."""

    sha: str
    files: dict[str, File]

    def trees(self) -> dict[str, str]:
        """Return directory → id of its tree; the root is ""."""
        return git.trees({name: file.git for name, file in self.files.items()})


class Repository(msgspec.Struct):
    """Commits, their names, and the tokens that may read them."""

    name: str
    commits: dict[str, Commit] = msgspec.field(default_factory=dict)
    branches: dict[str, str] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    private_to: str | None = None
    """The token that may read it; None: no token is needed."""
    gated_to: str | None = None
    """The token that may read its files; None: no token is needed."""

    def at(self, revision: str) -> Commit | None:
        """Return the commit that a branch, a tag or 40 hex digits name."""
        short = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        sha = self.branches.get(short) or self.tags.get(short) or revision
        return self.commits.get(sha)


class Repositories:
    """The repositories of a folder; a change is on disk before its call returns."""

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs"
        self._index = folder / "repositories.json"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._changing = threading.Lock()
        self._all: dict[str, Repository] = {}
        if self._index.exists():
            known = dict[str, Repository]
            self._all = msgspec.json.decode(self._index.read_bytes(), type=known)

    def get(self, name: str) -> Repository | None:
        """Return the repository of that name."""
        return self._all.get(name)

    def with_commit(self, sha: str) -> list[str]:
        """Return the names of the repositories that have a commit."""
        return [name for name, found in list(self._all.items()) if sha in found.commits]

    def keep(self, content: BufferedIOBase, size: int) -> Blob:
        """Write *size* bytes to the folder; EOFError if there are fewer."""
        written = self._blobs / f".{secrets.token_hex(8)}"
        with written.open("xb") as file:
            while size:
                if not (block := content.read(min(git.BLOCK, size))):
                    raise EOFError(f"{size} bytes are missing")
                size -= file.write(block)
        blob, sha256 = git.digests(written)
        kept = Blob(sha256, written.stat().st_size, blob)
        written.replace(self._blobs / sha256)
        return kept

    def open(self, blob: Blob) -> BinaryIO:
        """Return a blob's content; OSError if it is not in the folder, or leads out of it."""
        path = self._blobs / blob.sha256
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")

    def commit(self, name: str, files: Mapping[str, Blob], ref: str) -> str:
        """Add a commit of exactly *files*, let *ref* name it, and return its 40 hex digits."""
        unkept = (blob.sha256 for blob in files.values() if not self._keeps(blob))
        missing = [f"{sha256!r} is not a blob that was uploaded" for sha256 in unkept]
        if wrong := [*_wrong_names(name, ref), *_wrong_paths(files), *missing]:
            raise ValueError("; ".join(wrong))
        with self._changing:
            repository = self._all.setdefault(name, Repository(name))
            named = {path: File(path, blob) for path, blob in sorted(files.items())}
            tree = git.trees({path: file.git for path, file in named.items()})[""]
            sha = git.commit(tree, repository.branches.get(ref), f"{len(named)} files")
            repository.commits[sha] = Commit(sha, named)
            repository.branches[ref] = sha
            self._write()
        return sha

    def name(self, name: str, ref: str, sha: str, *, tag: bool) -> None:
        """Let a branch or a tag name an existing commit."""
        with self._changing:
            repository = self._known(name)
            if sha not in repository.commits:
                raise ValueError(f"{name} has no commit {sha}")
            (repository.tags if tag else repository.branches)[ref] = sha
            self._write()

    def close(self, name: str, *, private: str | None = None, gated: str | None = None) -> None:
        """Require a token to read a repository (*private*), or its files (*gated*)."""
        with self._changing:
            repository = self._known(name)
            repository.private_to = private or repository.private_to
            repository.gated_to = gated or repository.gated_to
            self._write()

    def _keeps(self, blob: Blob) -> bool:
        return bool(SHA256.fullmatch(blob.sha256)) and (self._blobs / blob.sha256).is_file()

    def _known(self, name: str) -> Repository:
        if name not in self._all:
            raise ValueError(f"there is no repository {name}: commit to it first")
        return self._all[name]

    def _write(self) -> None:
        written = self._index.with_suffix(".new")
        written.write_bytes(msgspec.json.encode(self._all))
        written.replace(self._index)


def _wrong_names(name: str, ref: str) -> Iterator[str]:
    if not _REPO.fullmatch(name):
        yield f"{name!r} is not the name of a repository: owner/name, or name"
    if not _REF.fullmatch(ref) or COMMIT.fullmatch(ref):
        yield f"{ref!r} is not the name of a branch"


def _wrong_paths(files: Mapping[str, Blob]) -> Iterator[str]:
    for path in files:
        parts = path.split("/")
        if not {"", ".", "..", ".git"}.isdisjoint(parts) or "\0" in path:
            yield f"{path!r} is not a path below a repository"
        if above := {"/".join(parts[:number]) for number in range(1, len(parts))} & files.keys():
            yield f"{path!r} is below a file: {', '.join(sorted(above))}"
