"""Sign the addresses that files are redirected to, and check the signatures."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from tests.hub.repositories import File

SECONDS: Final = 3600
"""Seconds that an address is valid."""


class Signer:
    """Signs with a random key, so no other server accepts its addresses."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._key = secrets.token_bytes(32)

    def address(self, host: str, repo: str, file: File) -> str:
        """Return the address of *file*, for a client that reached the Hub as *host*."""
        sha256 = file.blob.sha256
        query = {"repo": repo, "file": file.name, "Expires": str(int(time.time()) + SECONDS)}
        query["Signature"] = self._signature(sha256, query)
        name = urlsplit(f"//{host}").hostname or "127.0.0.1"
        bracketed = f"[{name}]" if ":" in name else name
        return f"http://{bracketed}:{self._port}/cdn/{sha256}?{urlencode(query)}"

    def knows(self, sha256: str, query: Mapping[str, str]) -> bool:
        """Whether an address has our signature and is still valid."""
        given, expires = query.get("Signature", ""), query.get("Expires", "")
        signature = self._signature(sha256, query)
        genuine = hmac.compare_digest(signature.encode(), given.encode())
        return genuine and expires.isdigit() and int(expires) > time.time()

    def _signature(self, sha256: str, query: Mapping[str, str]) -> str:
        signed = "\n".join([sha256, *(query.get(name, "") for name in ("repo", "file", "Expires"))])
        return hmac.new(self._key, signed.encode(), hashlib.sha256).hexdigest()
