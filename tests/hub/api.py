"""Describe repositories as the API of the Hub does: a model, pages of its tree, its refs."""

from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

from tests.hub.answer import Answer, document, error
from tests.hub.repositories import Commit, File, Repository
from tests.hub.routes import Asked

Json = dict[str, Any]
Claimed = Callable[[str], int | None]
PAGE: Final = 50
"""Entries on a page of a tree; the Hub has 1000, or 50 if they are expanded."""
DATE: Final = "2023-11-14T22:13:20.000Z"


def true(asked: Asked, name: str) -> bool:
    """Whether a parameter is set."""
    return asked.query.get(name, "").lower() in {"1", "true"}


def model(repository: Repository, commit: Commit, size: Claimed, *, blobs: bool) -> Json:
    """Return the description of a repository at a commit, with details of files if *blobs*."""
    return {
        "_id": repository.name,
        "id": repository.name,
        "modelId": repository.name,
        "author": repository.name.partition("/")[0],
        "sha": commit.sha,
        "lastModified": DATE,
        "createdAt": DATE,
        "private": repository.private_to is not None,
        "gated": "manual" if repository.gated_to is not None else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": [
            {"rfilename": file.name} | (_blob(file, size(file.name)) if blobs else {})
            for file in commit.files.values()
        ],
    }


def refs(repository: Repository) -> Json:
    """Return the names of a repository's commits."""
    return {
        "branches": [_ref("heads", *named) for named in list(repository.branches.items())],
        "converts": [],
        "tags": [_ref("tags", *named) for named in list(repository.tags.items())],
    }


def tree(commit: Commit, asked: Asked, host: str, size: Claimed) -> Answer:
    """Return a page of the entries of a directory, with a link to the next."""
    directory = asked.file.strip("/")
    trees = commit.trees()
    if directory not in trees:
        message = f"{directory} does not exist on {asked.revision}"
        return error(404, message, "EntryNotFound", commit.sha)
    entries = list(_entries(commit, trees, directory, asked, size))
    limit = min(_number(asked.query.get("limit"), PAGE) or PAGE, PAGE)
    start = _number(asked.query.get("cursor"), 0)
    link = {}
    if start + limit < len(entries):
        path = f"/api/models/{quote(asked.repo)}/tree/{quote(asked.revision, safe='')}"
        below = f"/{quote(directory, safe='')}" if directory else ""
        query = urlencode({**asked.query, "cursor": start + limit})
        link["Link"] = f'<http://{host}{path}{below}?{query}>; rel="next"'
    return document(entries[start : start + limit], **link)


def _entries(
    commit: Commit, trees: dict[str, str], directory: str, asked: Asked, size: Claimed
) -> Iterator[Json]:
    start, deep = f"{directory}/" if directory else "", true(asked, "recursive")
    expanded = {"lastCommit": {"id": commit.sha, "title": "commit", "date": DATE}}
    more: Json = expanded if true(asked, "expand") else {}
    for path in sorted({*commit.files, *trees} - {directory}):
        if not path.startswith(start) or (not deep and "/" in path.removeprefix(start)):
            continue
        if path in trees:
            yield {"type": "directory", "oid": trees[path], "size": 0, "path": path} | more
        else:
            yield _entry(commit.files[path], size(path)) | more


def _entry(file: File, claimed: int | None) -> Json:
    size = file.blob.size if claimed is None else claimed
    lfs = {"oid": file.blob.sha256, "size": size, "pointerSize": len(file.pointer)}
    found = {"type": "file", "oid": file.git, "size": size, "path": file.name}
    return found | ({"lfs": lfs} if file.lfs else {})


def _blob(file: File, claimed: int | None) -> Json:
    size = file.blob.size if claimed is None else claimed
    lfs = {"sha256": file.blob.sha256, "size": size, "pointerSize": len(file.pointer)}
    return {"size": size, "blobId": file.git} | ({"lfs": lfs} if file.lfs else {})


def _ref(kind: str, name: str, sha: str) -> Json:
    return {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": sha}


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default
