"""One answer of the API server, and the error that it means."""

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Self

import msgspec
import urllib3

from webhook.api_server.errors import Conflict, Forbidden, Missing, Refused
from webhook.objects.json import Json

_SHOWN: Final = 300
"""Characters of the API server's message that `why` shows."""
_SHOWN_BODY: Final = 500
"""Characters of a body that is not a Status, such as a proxy's page."""
_WARNING: Final = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')
_NOT_ALLOWED: Final = re.compile(r"User \".*\" cannot ")
"""Text of an authorizer (apiserver pkg/endpoints/handlers/responsewriters/errors.go)."""
_TEST_FAILED: Final = "the server rejected our request due to an error in our request"
"""The message of the 422 for a patch one of whose operations failed, such as a test.

apiserver pkg/endpoints/handlers/patch.go, apimachinery NewGenericServerResponse. Another 422
says what is wrong with the object, and would come again.
"""


class _Status(msgspec.Struct):
    message: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status code, body, warnings, and the time by the API server's clock and by ours."""

    code: int
    body: bytes
    warnings: tuple[str, ...]
    server_time: datetime | None
    """Exact to a second; None if the answer has no Date."""
    our_time: datetime
    """When half of the request's time was over, by our clock."""

    @classmethod
    def of(cls, response: urllib3.BaseHTTPResponse, began: float) -> Self:
        """Read *response* to its end; *began*: when the request was sent, in Unix time."""
        body = response.read()
        found = _WARNING.findall(", ".join(response.headers.getlist("Warning")))
        return cls(
            response.status,
            body,
            tuple(re.sub(r"\\(.)", r"\1", text) for text in found),
            date(response),
            datetime.fromtimestamp((began + time.time()) / 2, UTC),
        )

    @property
    def message(self) -> str:
        """The API server's reason for a refusal; empty if the body is not a Status."""
        try:
            return msgspec.json.decode(self.body, type=_Status).message
        except msgspec.DecodeError:
            return ""

    def json(self) -> Json:
        """Return the object; an empty one for a body without an object, such as a proxy's page."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def why(self) -> str:
        """Return code and message on one line."""
        return f"{self.code} {self.message[:_SHOWN]}".replace("\n", " ").strip()

    def good(self) -> Self:
        """Return the answer; raise Refused if its status is 400 or more."""
        if self.code >= 400:
            raise self.refusal()
        return self

    def expect(self, doing: str, *codes: int) -> Self:
        """Return the answer if its code is one of *codes*; else raise Refused, with *doing*."""
        if self.code not in codes:
            raise self.refusal(f"can't {doing}: {self.why()}")
        return self

    def refusal(self, text: str = "") -> Refused:
        """Return the error that this answer means; *text* replaces the API server's message."""
        said = self.message or self.body.decode(errors="replace")[:_SHOWN_BODY]
        return self._kind(said)(self.code, text or said)

    def _kind(self, said: str) -> type[Refused]:
        match self.code:
            case 403 if _NOT_ALLOWED.search(said):
                return Forbidden
            case 404:
                return Missing
            case 409:
                return Conflict
            case 422 if said == _TEST_FAILED:
                return Conflict
            case _:
                return Refused


def date(response: urllib3.BaseHTTPResponse) -> datetime | None:
    """Return the API server's time, exact to a second (RFC 9110 section 6.6.1)."""
    try:
        found = parsedate_to_datetime(response.headers.get("Date") or "")
    except ValueError:
        return None
    return found if found.tzinfo else None
