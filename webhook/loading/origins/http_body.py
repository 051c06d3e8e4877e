"""The body of a GET from a byte on, and what its failures mean."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx2

from webhook.loading.origins.http_status import MEANS, SECONDS, first_byte, refuse
from webhook.loading.origins.origin import Body, Changed, Interrupted, Unavailable

_REDIRECTS: Final = 10


def http_client() -> httpx2.Client:
    """Return a client; proxies and authorities (SSL_CERT_FILE) come from the environment."""
    return httpx2.Client(follow_redirects=True, max_redirects=_REDIRECTS, timeout=SECONDS)


@contextmanager
def body(
    client: httpx2.Client,
    url: str,
    headers: Mapping[str, str],
    start: int,
    etag: str | None,
    means: Mapping[int, str] = MEANS,
) -> Iterator[Body]:
    """Yield what *url* has from byte *start* on, if it is still what *etag* names.

    *means* says more of some statuses.

    RFC 9110, If-Range: a server that has something else by now sends all of it.
    """
    asked = {**headers, "Accept-Encoding": "identity"}
    if start:
        asked["Range"] = f"bytes={start}-"
        if etag and not etag.startswith("W/"):
            asked["If-Range"] = etag
    with told_apart(url), client.stream("GET", url, headers=asked) as response:
        refused(url, response, means)
        if etag and response.headers.get("etag", etag) != etag:
            raise Changed(f"{shown(url)}: is another by now")
        said = response.headers.get("content-range", "")
        begins = first_byte(shown(url), response.status_code, said, start)
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


def refused(url: str, response: httpx2.Response, means: Mapping[int, str] = MEANS) -> None:
    """Raise what a status other than success means."""
    refuse(shown(url), response.status_code, response.headers, means)


def shown(url: str) -> str:
    """Return *url* without what may be secret in it: its query, and a user's name."""
    parsed = httpx2.URL(url)
    return str(parsed.copy_with(query=None, fragment=None, username="", password=""))
