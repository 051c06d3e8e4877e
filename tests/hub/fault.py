"""A fault in the answers to some requests."""

from fnmatch import fnmatchcase
from typing import Final, Literal

import msgspec

from tests.hub.routes import Asked

LONGEST: Final = 60.0
"""Seconds: the longest stall."""
EFFECTS: Final = (
    "status",
    "cut_after",
    "end_after",
    "stall_after",
    "corrupt_at",
    "truncate_to",
    "claim_size",
    "etag",
    "redirect_loop",
    "rate",
    "before_headers_seconds",
    "ignore_range",
    "move_main_to",
)
ABOUT_METADATA: Final = ("claim_size", "etag", "redirect_loop")


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One effect on answers; ValueError if there is no effect, more than one, or no limit.

    Only a request whose answer it changes counts for *times*: not one whose body ends before
    `cut_after`, or that gets an error. Of several faults the first that has an effect applies.
    """

    paths: str = "*"
    """A pattern of file names, with or without the repository; in the API, of repositories."""
    methods: tuple[str, ...] | None = None
    """None: GET, and also HEAD if the fault is about metadata."""
    times: int | None = None
    """The number of requests to spoil; None: all."""
    where: Literal["any", "api", "resolve", "cdn"] = "any"

    status: int | None = None
    """Answer with this error and *headers* instead."""
    headers: dict[str, str] = {}
    cut_after: int | None = None
    """Reset the connection once this many bytes of the body have arrived."""
    end_after: int | None = None
    """Close the connection after this many bytes, as a server does that stops."""
    stall_after: int | None = None
    """Send this many bytes, then nothing for *seconds*, then the rest."""
    seconds: float = LONGEST
    corrupt_at: int | None = None
    """Change the byte at this position of the file, in ranges too."""
    truncate_to: int | None = None
    """Shorten the file to this many bytes, and Content-Length with it."""
    claim_size: int | None = None
    """The size in the API and in X-Linked-Size; the body is whole."""
    etag: str | None = None
    """The ETag and X-Linked-Etag, without quotes."""
    redirect_loop: bool = False
    """Redirect to the same address."""
    rate: float | None = None
    """Bytes of the body per second."""
    before_headers_seconds: float | None = None
    """Answer only after this many seconds."""
    ignore_range: bool = False
    """Answer a range with the whole body, and 200."""
    move_main_to: str | None = None
    """Let `main` name this commit after the first such request, which is answered as before."""

    def __post_init__(self) -> None:
        given = [name for name in EFFECTS if getattr(self, name) not in (None, False)]
        wrong = []
        if len(given) != 1:
            wrong.append(f"a fault is one of {', '.join(EFFECTS)}; this has {given or 'none'}")
        if self.headers and self.status is None:
            wrong.append("headers need a status")
        if self.status is not None and not 400 <= self.status <= 599:
            wrong.append(f"status {self.status} is not an error: 400 to 599")
        if not 0 <= max(self.seconds, self.before_headers_seconds or 0) <= LONGEST:
            wrong.append(f"the longest stall is {LONGEST:.0f} s")
        if self.rate is not None and self.rate < 1:
            wrong.append(f"a rate of {self.rate} bytes per second is a stall: 1 or more")
        if self.times is not None and self.times < 1:
            wrong.append(f"{self.times} times is never: 1 or more")
        if wrong:
            raise ValueError("; ".join(wrong))

    def concerns(self, asked: Asked, method: str, file: str | None = None) -> bool:
        """Whether it applies to a request; *file* is one that the API describes."""
        about_metadata = any(getattr(self, name) not in (None, False) for name in ABOUT_METADATA)
        methods = self.methods or (("GET", "HEAD") if about_metadata else ("GET",))
        if not asked.repo or method not in methods or self.where not in ("any", asked.place):
            return False
        if asked.place == "api" and file is None:
            return fnmatchcase(asked.repo, self.paths)
        name = file or asked.file
        return fnmatchcase(name, self.paths) or fnmatchcase(f"{asked.repo}/{name}", self.paths)
