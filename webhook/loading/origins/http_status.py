"""Turn HTTP statuses other than success into errors, and read how long to wait and which bytes."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from webhook.loading.origins.origin import Changed, Interrupted, Missing, Unauthorized, Unavailable

SECONDS: Final = 30.0
"""Seconds to connect, and between two bytes."""
_AGAIN: Final = frozenset({408, 409, 425, 429})
_LONGEST_WAIT: Final = 3600.0
MEANS: Final = {
    401: ": it requires a token",
    403: ": it denies access without a token, or with this one",
}
CREDENTIALS: Final = dict.fromkeys(
    (401, 403), ": it denies access without credentials, or with these"
)
"""The same for sources with credentials other than a token."""
PROXY_MEANS: Final = {
    "401": "check user and password in HTTPS_PROXY",
    "403": "it does not permit this host: permit it there, or name it in NO_PROXY",
    "407": "check user and password in HTTPS_PROXY",
}
_RATE_LIMIT: Final = re.compile(
    r'"\w+"\s*;\s*r\s*=\s*(?P<remaining>\d{1,9})\s*;\s*t\s*=\s*(?P<seconds>\d{1,9})', re.ASCII
)
"""Such as `"api";r=0;t=55`: draft-ietf-httpapi-ratelimit-headers-09, in the hub's form."""
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


def refuse(
    what: str, code: int, headers: Mapping[str, str], means: Mapping[int, str] = MEANS
) -> None:
    """Raise an error for a status other than success; *means* has more text for some.

    Names in *headers* are in lower case, unless the mapping ignores case.
    """
    if code in _AGAIN or code >= 500:
        raise Interrupted(f"{what}: answered {code}", wait_asked(code, headers))
    if code == 412:
        raise Changed(f"{what}: has changed since it was listed")
    if code == 416:
        raise Changed(f"{what}: has become shorter")
    if code == 404:
        raise Missing(f"{what}: answered 404")
    if code == 401:
        text = f"{what}: answered 401{means.get(401, '')}"
        raise Unauthorized(text, headers.get("www-authenticate", ""))
    if code >= 300:
        raise Unavailable(f"{what}: answered {code}{means.get(code, '')}")


def wait_asked(code: int, headers: Mapping[str, str]) -> float:
    """Return the seconds that the server asks us to wait, 0 if it asks for none.

    The hub's RateLimit goes before Retry-After, if nothing remains of it, as in huggingface_hub
    2.4.0, utils/_http.py (_http_backoff_base): with one second more, since the hub rounds down.
    """
    limit = _RATE_LIMIT.search(headers.get("ratelimit", ""))
    if code == 429 and limit and not int(limit["remaining"]):
        return min(float(limit["seconds"]) + 1, _LONGEST_WAIT)
    return _retry_after(headers)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds of Retry-After (RFC 9110 10.2.3), 0 without it."""
    said = headers.get("retry-after", "").strip()
    try:
        seconds = (
            float(said)
            if re.fullmatch(r"\d{1,9}", said)
            else (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
        )
    except (ValueError, TypeError):
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def first_byte(what: str, code: int, content_range: str, start: int) -> int:
    """Return where a body starts: at *start*, or at 0; Changed if it starts anywhere else."""
    if code != 206:
        return 0
    found = _CONTENT_RANGE.fullmatch(content_range)
    if not found:
        raise Changed(f"{what}: answered 206 and does not say which bytes")
    begins = int(found[1])
    if begins not in (0, start):
        raise Changed(f"{what}: sent bytes from {begins} on, not from {start}")
    return begins
