"""Check the addresses of servers and proxies in variables: a mistake there lasts."""

import base64
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

from webhook.loading.origins.credentials import in_variable
from webhook.loading.origins.origin import Unavailable
from webhook.terminal.hiding import hide
from webhook.values.text import quoted, without_credentials

_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def server(name: str, text: str) -> str:
    """Return *text*, the address that the variable *name* has, which may be empty.

    Unavailable unless it is a URL of http or https with a host.
    """
    text = text.rstrip("/")
    if text and (why := _fault(text, ("http", "https"))):
        raise Unavailable(f"{name}={quoted(without_credentials(text), 120)}: {why}")
    return text


def check_proxies() -> None:
    """Raise Unavailable unless the variables of proxies have URLs that all libraries can use."""
    faults = [fault for upper in _PROXIES for fault in _of_proxy(upper)]
    if faults:
        raise Unavailable("\n".join(faults))


def _of_proxy(upper: str) -> Iterator[str]:
    for name in (upper, upper.lower()):
        try:
            text = in_variable(name, secret=False)
        except Unavailable as error:
            yield str(error)
            continue
        # Libraries take host:port too, without a scheme.
        url = text if "://" in text else f"http://{text}"
        if text and (why := _fault(url, ("http", "https"))):
            yield f"{name}={quoted(without_credentials(text), 120)}: {why}"


def _fault(url: str, schemes: tuple[str, ...]) -> str:
    """Return what is wrong with *url*; empty if nothing is. Its user and password are hidden."""
    user = url.partition("://")[2].rpartition("@")[0]
    for part in (user, user.partition(":")[2]):
        hide(part)
        hide(unquote(part))
    hide(base64.b64encode(unquote(user).encode()).decode())
    try:
        parsed = urlsplit(url)
        _ = parsed.port
    except ValueError:
        return "has no valid host and port: in a password, write / : @ ? # as %2F %3A %40 %3F %23"
    if parsed.scheme not in schemes or "://" not in url:
        return f"must begin with {' or '.join(f'{one}://' for one in schemes)}"
    if not parsed.hostname:
        return "has no host"
    if " " in url or not unquote(parsed.netloc).isprintable():
        return "has a space or a control character"
    return ""
