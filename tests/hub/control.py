"""Change a running Hub through requests to a path that no repository can have."""

from io import BufferedIOBase
from typing import TYPE_CHECKING, Final

import msgspec

from tests.hub.fault import Fault
from tests.hub.repositories import Blob

if TYPE_CHECKING:
    from tests.hub.server import Site

PATH: Final = "/_hub/"


class Committed(msgspec.Struct):
    """A commit to make, of blobs that were uploaded."""

    repo: str
    files: dict[str, Blob]
    ref: str


class Tagged(msgspec.Struct):
    """A tag to set."""

    repo: str
    name: str
    commit: str


class Closed(msgspec.Struct):
    """The tokens that may read a repository, or its files."""

    repo: str
    private: str | None = None
    gated: str | None = None


def answer(site: "Site", path: str, body: BufferedIOBase, size: int) -> tuple[int, bytes]:
    """Carry out a call, and return status and body; 400 and a reason if it is not possible."""
    call = path.removeprefix(PATH)
    try:
        if call == "blobs":
            return 200, msgspec.json.encode(site.repositories.keep(body, size))
        return _call(site, call, body.read(size))
    except (ValueError, EOFError, msgspec.MsgspecError) as error:
        return 400, str(error).encode()


def _call(site: "Site", call: str, content: bytes) -> tuple[int, bytes]:
    match call:
        case "commit":
            made = msgspec.json.decode(content, type=Committed)
            return 200, site.repositories.commit(made.repo, made.files, made.ref).encode()
        case "tag":
            tag = msgspec.json.decode(content, type=Tagged)
            site.repositories.name(tag.repo, tag.name, tag.commit, tag=True)
        case "close":
            shut = msgspec.json.decode(content, type=Closed)
            site.repositories.close(shut.repo, private=shut.private, gated=shut.gated)
        case "fault":
            site.faults.add(msgspec.json.decode(content, type=Fault))
        case "heal":
            site.faults.heal()
        case "requests":
            return 200, site.journal.listed()
        case _:
            return 404, b"no such call"
    return 200, b""
