"""Answer as the Hub does: files, redirects to the CDN, and refusals."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import quote as escaped
from urllib.parse import quote

from tests.hub import api
from tests.hub.answer import Answer, Content, document, error, redirect
from tests.hub.cdn import Signer
from tests.hub.repositories import SHA256, Commit, File, Repositories, Repository
from tests.hub.routes import Asked
from tests.hub.xet import XetStorage


@dataclass(frozen=True, slots=True)
class Caller:
    """The client of a request."""

    host: str
    """Host and port of the Hub, as the client knows it."""
    authorization: str | None
    head: bool = False

    def has(self, token: str | None) -> bool:
        """Whether it sent *token*, if one is needed."""
        return token is None or self.authorization == f"Bearer {token}"


class Protocol:
    """Answers from the repositories, and does not change them."""

    def __init__(
        self, repositories: Repositories, signer: Signer, xet: XetStorage | None = None
    ) -> None:
        self._repositories = repositories
        self._signer = signer
        self._xet = xet

    def answer(self, asked: Asked, caller: Caller, size: Callable[[str], int | None]) -> Answer:
        """Return the answer; *size* gives the false size of a file, or None."""
        if asked.place == "cdn":
            return self._from_cdn(asked)
        if asked.kind == "agent-harnesses":
            return document({"standardEnvVars": [], "harnesses": {}})
        repository = self._repositories.get(asked.repo)
        if repository is None:
            return error(404, "Repository not found", "RepoNotFound")
        if not caller.has(repository.private_to):
            return error(401, "Invalid username or password.", "RepoNotFound")
        if asked.kind == "refs":
            return document(api.refs(repository))
        if asked.kind == "auth-check":
            return document({}) if caller.has(repository.gated_to) else _gated(repository)
        commit = repository.at(asked.revision)
        if commit is None:
            return error(404, f"Invalid rev id: {asked.revision}", "RevisionNotFound")
        if asked.kind == "xet-read-token" and self._xet:
            return document(self._xet.token())
        if asked.place == "resolve":
            return self._resolve(repository, commit, asked, caller, size)
        if asked.kind == "tree":
            return api.tree(commit, asked, caller.host, size)
        return document(api.model(repository, commit, size, blobs=api.true(asked, "blobs")))

    def _resolve(
        self,
        repository: Repository,
        commit: Commit,
        asked: Asked,
        caller: Caller,
        size: Callable[[str], int | None],
    ) -> Answer:
        if not caller.has(repository.gated_to):
            return _gated(repository)
        file = commit.files.get(asked.file)
        if file is None:
            return error(404, "Entry not found", "EntryNotFound", commit.sha)
        headers = {"X-Repo-Commit": commit.sha, "Accept-Ranges": "bytes"}
        claimed = size(file.name)
        if file.lfs:
            headers["X-Linked-Etag"] = f'"{file.etag}"'
            headers["X-Linked-Size"] = str(file.blob.size if claimed is None else claimed)
            if self._xet:
                headers["X-Xet-Hash"] = self._xet.hash_of(file, commit, self._repositories.open)
                headers["X-Xet-Refresh-Route"] = (
                    f"http://{caller.host}/api/models/{repository.name}/xet-read-token/{commit.sha}"
                )
            location = self._signer.address(caller.host, repository.name, file)
            return redirect(location, **headers)
        found = self._file(file, headers)
        if claimed is None:
            return found
        said = replace(found, headers=found.headers | {"X-Linked-Size": str(claimed)})
        # No body is sent for HEAD, so Content-Length may be wrong.
        return replace(said, content=replace(said.content, size=claimed)) if caller.head else said

    def _from_cdn(self, asked: Asked) -> Answer:
        repository = self._repositories.get(asked.repo)
        if not SHA256.fullmatch(asked.digest) or not self._signer.knows(asked.digest, asked.query):
            return error(403, "Access Denied")
        for commit in list(repository.commits.values()) if repository else ():
            file = commit.files.get(asked.file)
            if file and file.blob.sha256 == asked.digest:
                return self._file(file, {"Accept-Ranges": "bytes"})
        return error(403, "Access Denied")

    def _file(self, file: File, headers: dict[str, str]) -> Answer:
        name = file.name.rpartition("/")[2]
        plain = escaped(name.encode("ascii", "replace").decode())
        headers |= {
            "Content-Type": "application/octet-stream" if file.lfs else "text/plain; charset=utf-8",
            "Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}; filename=\"{plain}\";",
            "ETag": f'"{file.etag}"',
        }
        try:
            self._repositories.open(file.blob).close()
        except OSError:
            return error(500, "Internal Error")
        content = Content(lambda: self._repositories.open(file.blob), file.blob.size)
        return Answer(200, headers, content, ranges=True)


def _gated(repository: Repository) -> Answer:
    text = (
        f"Access to model {repository.name} is restricted and you are not in the authorized list. "
        f"Visit https://huggingface.co/{repository.name} to ask for access."
    )
    return error(403, text, "GatedRepo")
