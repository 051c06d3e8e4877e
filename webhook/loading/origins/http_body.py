"""Read the body of a GET from a byte on, and turn its failures into our errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx2

from webhook.loading.origins.http_status import MEANS, SECONDS, first_byte, refuse
from webhook.loading.origins.origin import Body, Changed, Interrupted, Unavailable

_REDIRECTS: Final = 10


def http_client() -> httpx2.Client:
    """Return a client; it takes proxies and authorities (SSL_CERT_FILE) from the environment."""
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
    """Yield the content of *url* from byte *start* on; Changed if its ETag is not *etag*.

    *means* has more text for some statuses. RFC 9110, If-Range: a server whose content has changed
    sends all of it.
    """
    asked = {**headers, "Accept-Encoding": "identity"}
    if start:
        asked["Range"] = f"bytes={start}-"
        if etag and not etag.startswith("W/"):
            asked["If-Range"] = etag
    with translated(url), client.stream("GET", url, headers=asked) as response:
        refused(url, response, means)
        if etag and response.headers.get("etag", etag) != etag:
            raise Changed(f"{shown(url)}: has changed since it was listed")
        said = response.headers.get("content-range", "")
        begins = first_byte(shown(url), response.status_code, said, start)
        # Bytes as they arrive: with a block size, httpx2 drops the start of a block that fails.
        yield Body(begins, response.iter_raw())


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn errors of the client into Interrupted or Unavailable."""
    try:
        yield
    except httpx2.TooManyRedirects as error:
        raise Unavailable(f"{shown(url)}: redirects without end") from error
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise Unavailable(f"{shown(url)}: {error}") from error
    except (httpx2.TransportError, httpx2.StreamError) as error:
        raise Interrupted(f"{shown(url)}: {error or type(error).__name__}") from error


def refused(url: str, response: httpx2.Response, means: Mapping[int, str] = MEANS) -> None:
    """Raise an error for a status other than success."""
    refuse(shown(url), response.status_code, response.headers, means)


def shown(url: str) -> str:
    """Return *url* without the parts that may be secret: query, fragment, user and password."""
    parsed = httpx2.URL(url)
    return str(parsed.copy_with(query=None, fragment=None, username="", password=""))
