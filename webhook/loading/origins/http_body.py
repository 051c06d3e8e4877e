"""Read the body of a GET from a byte on, and turn its failures into our errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx2

from webhook.loading.origins.http_status import (
    MEANS,
    PROXY_MEANS,
    SECONDS,
    first_byte,
    refuse,
)
from webhook.loading.origins.origin import Body, Changed, Interrupted, Unavailable
from webhook.loading.origins.tls import lasting

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
    except httpx2.ProxyError as error:
        raise of_proxy(shown(url), error) from error
    except httpx2.LocalProtocolError as error:  # its text may be that of a header with a credential
        raise Unavailable(f"{shown(url)}: a header of the request can't be sent") from error
    except (httpx2.TransportError, httpx2.StreamError) as error:
        if why := lasting(error):
            raise Unavailable(f"{shown(url)}: {why}") from error
        raise Interrupted(f"{shown(url)}: {error or type(error).__name__}") from error


def of_proxy(what: str, error: httpx2.ProxyError) -> Interrupted | Unavailable:
    """Return our error for a proxy's refusal, whose text begins with the status."""
    status = str(error)[:3]
    if status in PROXY_MEANS:
        return Unavailable(f"{what}: the proxy answered {status}: {PROXY_MEANS[status]}")
    return Interrupted(f"{what}: the proxy fails: {error}")


def refused(url: str, response: httpx2.Response, means: Mapping[int, str] = MEANS) -> None:
    """Raise an error for a status other than success."""
    refuse(shown(url), response.status_code, response.headers, means)


def shown(url: str) -> str:
    """Return *url* without the parts that may be secret: query, fragment, user and password."""
    parsed = httpx2.URL(url)
    return str(parsed.copy_with(query=None, fragment=None, username="", password=""))
