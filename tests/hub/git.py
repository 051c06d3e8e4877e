"""Compute the object ids of git, which the Hub gives in its answers."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

BLOCK: Final = 2**20


def digests(path: Path) -> tuple[str, str]:
    """Return the id of the git blob and the sha256 of a file, both in hex."""
    blob, plain = hashlib.sha1(b"blob %d\0" % path.stat().st_size), hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            blob.update(block)
            plain.update(block)
    return blob.hexdigest(), plain.hexdigest()


def pointer(sha256: str, size: int) -> bytes:
    """Return the pointer in git for a file in Git LFS."""
    lines = ("version https://git-lfs.github.com/spec/v1", f"oid sha256:{sha256}", f"size {size}")
    return "".join(f"{line}\n" for line in lines).encode()


def object_id(kind: str, content: bytes) -> str:
    """Return the id of a git object in hex."""
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()


def trees(blobs: Mapping[str, str]) -> dict[str, str]:
    """Return directory → id of its git tree, given path → id; the root is ""."""
    found: dict[str, str] = {}

    def tree(directory: str) -> str:
        start = f"{directory}/" if directory else ""
        below = [path.removeprefix(start) for path in blobs if path.startswith(start)]
        entries = {  # git sorts a directory as if its name ended in a slash
            name + ("/" if nested else ""): (
                b"40000 %s\0" % name.encode() + bytes.fromhex(tree(start + name))
                if nested
                else b"100644 %s\0" % name.encode() + bytes.fromhex(blobs[start + name])
            )
            for name, nested in {(path.partition("/")[0], "/" in path) for path in below}
        }
        content = b"".join(entries[name] for name in sorted(entries, key=str.encode))
        found[directory] = object_id("tree", content)
        return found[directory]

    tree("")
    return found


def commit(tree: str, parent: str | None, message: str) -> str:
    """Return the id of a commit, always by the same author at the same time."""
    who = "hub <hub@example.com> 1700000000 +0000"
    head = [f"tree {tree}", *([f"parent {parent}"] if parent else [])]
    lines = [*head, f"author {who}", f"committer {who}", "", message, ""]
    return object_id("commit", "\n".join(lines).encode())
