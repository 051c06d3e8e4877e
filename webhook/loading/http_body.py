"""The body of a GET from a byte on, and what its failures mean."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NoReturn

import httpx2

from webhook.loading.origin import Body, Changed, Interrupted, Unavailable

SECONDS: Final = 30.0
"""To connect, and between two bytes."""
_REDIRECTS: Final = 10
_AGAIN: Final = frozenset({408, 409, 425, 429})
_LONGEST_WAIT: Final = 3600.0
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


def http_client() -> httpx2.Client:
    """Return a client; proxies and authorities (SSL_CERT_FILE) come from the environment."""
    return httpx2.Client(follow_redirects=True, max_redirects=_REDIRECTS, timeout=SECONDS)


@contextmanager
def body(
    client: httpx2.Client, url: str, headers: Mapping[str, str], start: int, etag: str | None
) -> Iterator[Body]:
    """Yield what *url* has from byte *start* on, if it is still what *etag* names.

    RFC 9110, If-Range: a server that has something else by now sends all of it.
    """
    asked = {**headers, "Accept-Encoding": "identity"}
    if start:
        asked["Range"] = f"bytes={start}-"
        if etag and not etag.startswith("W/"):
            asked["If-Range"] = etag
    with told_apart(url), client.stream("GET", url, headers=asked) as response:
        refused(url, response)
        if etag and response.headers.get("etag", etag) != etag:
            raise Changed(f"{shown(url)}: is another by now")
        begins = _start(url, response) if response.status_code == 206 else 0
        if begins not in (0, start):
            raise Changed(f"{shown(url)}: sent bytes from {begins} on, not from {start}")
        # As it arrives: of a block of its own it would drop what is there when the rest fails.
        yield Body(begins, response.iter_raw())


@contextmanager
def told_apart(url: str) -> Iterator[None]:
    """Raise Interrupted or Unavailable for what the client raises."""
    try:
        yield
    except httpx2.TooManyRedirects as error:
        raise Unavailable(f"{shown(url)}: redirects without end") from error
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise Unavailable(f"{shown(url)}: {error}") from error
    except (httpx2.TransportError, httpx2.StreamError) as error:
        raise Interrupted(f"{shown(url)}: {error or type(error).__name__}") from error


def refused(url: str, response: httpx2.Response) -> None:
    """Raise what a status other than success means."""
    code = response.status_code
    if code in _AGAIN or code >= 500:
        raise Interrupted(f"{shown(url)}: answered {code}", retry_after(response.headers))
    if code == 416:
        raise Changed(f"{shown(url)}: is shorter than before")
    if code >= 300:
        _unavailable(url, code)


def _unavailable(url: str, code: int) -> NoReturn:
    means = {401: ": it asks for a token", 403: ": not for us, or not for this token"}
    raise Unavailable(f"{shown(url)}: answered {code}{means.get(code, '')}")


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that Retry-After asks for (RFC 9110 10.2.3), 0 if it asks for none."""
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


def _start(url: str, response: httpx2.Response) -> int:
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if not found:
        raise Changed(f"{shown(url)}: answered 206 and does not say which bytes")
    return int(found[1])


def shown(url: str) -> str:
    """Return *url* without what may be secret in it: its query, and a user's name."""
    parsed = httpx2.URL(url)
    return str(parsed.copy_with(query=None, fragment=None, username="", password=""))
