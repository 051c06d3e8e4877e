"""Describes what goes wrong with some requests."""

from fnmatch import fnmatchcase
from typing import Final, Literal

import msgspec

from tests.hub.routes import Asked

LONGEST: Final = 60.0
"""Seconds; nothing stalls for more."""
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
    """One thing that goes wrong; ValueError if that is none, several or without bound.

    It is spent on requests that it does something to: a body that ends before `cut_after`, or an
    error in its place, is none of them. Of several faults the first that has an effect counts.
    """

    paths: str = "*"
    """A pattern for names of files, with their repository or without; in the API for repositories."""
    methods: tuple[str, ...] | None = None
    """None: GET, and HEAD too where the fault is about metadata."""
    times: int | None = None
    """How many requests it spoils; None: all."""
    where: Literal["any", "api", "resolve", "cdn"] = "any"

    status: int | None = None
    """An error in place of the answer, with *headers*."""
    headers: dict[str, str] = {}
    cut_after: int | None = None
    """The connection is reset when so many bytes of the body have arrived."""
    end_after: int | None = None
    """The connection ends there in the usual way, as that of a server that stops."""
    stall_after: int | None = None
    """Nothing more is sent for *seconds*; then the rest."""
    seconds: float = LONGEST
    corrupt_at: int | None = None
    """The position of a byte of the file that is another, also for a range that has it."""
    truncate_to: int | None = None
    """The file has so many bytes, and Content-Length says so."""
    claim_size: int | None = None
    """What the API, and X-Linked-Size, say of the file; its body is whole."""
    etag: str | None = None
    """In ETag and X-Linked-Etag, without quotes."""
    redirect_loop: bool = False
    """The answer leads to where it came from."""
    rate: float | None = None
    """Bytes of the body in a second."""
    before_headers_seconds: float | None = None
    """Nothing is answered for so long; then everything."""
    ignore_range: bool = False
    """A range is answered with the whole body, and 200."""
    move_main_to: str | None = None
    """A commit that `main` names from the first such request on, which is answered as before."""

    def __post_init__(self) -> None:
        given = [name for name in EFFECTS if getattr(self, name) not in (None, False)]
        wrong = []
        if len(given) != 1:
            wrong.append(f"a fault is one of {', '.join(EFFECTS)}; this has {given or 'none'}")
        if self.headers and self.status is None:
            wrong.append("headers are those of a status")
        if self.status is not None and not 400 <= self.status <= 599:
            wrong.append(f"status {self.status} is no error: 400 to 599")
        if not 0 <= max(self.seconds, self.before_headers_seconds or 0) <= LONGEST:
            wrong.append(f"nothing stalls for more than {LONGEST:.0f} s")
        if self.rate is not None and self.rate < 1:
            wrong.append(f"a rate of {self.rate} bytes per second is a stall: 1 or more")
        if self.times is not None and self.times < 1:
            wrong.append(f"{self.times} times is never: 1 or more")
        if wrong:
            raise ValueError("; ".join(wrong))

    def concerns(self, asked: Asked, method: str, file: str | None = None) -> bool:
        """Whether it is about such requests; *file* is one of those that the API describes."""
        about_metadata = any(getattr(self, name) not in (None, False) for name in ABOUT_METADATA)
        methods = self.methods or (("GET", "HEAD") if about_metadata else ("GET",))
        if not asked.repo or method not in methods or self.where not in ("any", asked.place):
            return False
        if asked.place == "api" and file is None:
            return fnmatchcase(asked.repo, self.paths)
        name = file or asked.file
        return fnmatchcase(name, self.paths) or fnmatchcase(f"{asked.repo}/{name}", self.paths)
