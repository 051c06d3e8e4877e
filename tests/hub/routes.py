"""Parse the target of a request: the part of the Hub, repository, revision and file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote

Place = Literal["api", "resolve", "cdn"]
KINDS: Final = frozenset({"revision", "tree", "refs", "auth-check"})


@dataclass(frozen=True, slots=True)
class Asked:
    """The target of a request; without a repository, it does not exist."""

    place: Place
    repo: str = ""
    kind: str = ""
    """The part of the API."""
    revision: str = "main"
    file: str = ""
    """A file of the repository, or a directory in the API."""
    digest: str = ""
    """The sha256 in a request to the CDN."""
    query: Mapping[str, str] = field(default_factory=dict)


def read(target: str, *, cdn: bool) -> Asked:
    """Parse a target of the port of the Hub, or of the CDN."""
    path, _, text = target.partition("?")
    query = dict(parse_qsl(text, keep_blank_values=True))
    # Split before unquoting: a slash in a segment is part of a revision or of a file's path.
    segments = [unquote(segment) for segment in path.removeprefix("/").split("/")]
    if cdn:
        digest = segments[1] if segments[0] == "cdn" and len(segments) == 2 else ""
        repo, file = query.get("repo", ""), query.get("file", "")
        return Asked("cdn", repo, file=file, digest=digest, query=query)
    if segments[:2] == ["api", "models"]:
        return _api(segments[2:], query)
    if segments == ["api", "agent-harnesses"]:  # for the client's User-Agent
        return Asked("api", kind="agent-harnesses", query=query)
    for owner in (1, 2):
        if segments[owner : owner + 1] == ["resolve"] and len(segments) > owner + 2:
            name, rest = "/".join(segments[:owner]), segments[owner + 1 :]
            return Asked("resolve", name, revision=rest[0], file="/".join(rest[1:]), query=query)
    return Asked("resolve" if "resolve" in segments else "api", query=query)


def _api(segments: list[str], query: Mapping[str, str]) -> Asked:
    named = 1 if segments[1:2] and segments[1] in KINDS else 2
    name, rest = "/".join(segments[:named]), segments[named:]
    match rest:
        case []:
            return Asked("api", name, "revision", query=query)
        case ["xet-read-token" as kind, revision]:
            return Asked("api", name, kind, revision, query=query)
        case ["refs" | "auth-check" as kind]:
            return Asked("api", name, kind, query=query)
        case ["revision", revision]:
            return Asked("api", name, "revision", revision, query=query)
        case ["tree", revision, *directory]:
            return Asked("api", name, "tree", revision, "/".join(directory), query=query)
        case _:
            return Asked("api", query=query)
