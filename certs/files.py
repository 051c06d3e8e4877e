"""Serve a certificate and key from files that cert-manager or an admin renews.

The files are read again and compared, not watched. A Secret's volume is replaced by a link
(`..data`), while other tools write one file after the other. Comparing contents works for both.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography import x509

LARGEST: Final = 2**20


class Files:
    """The certificate and key in two files; *use* serves them, or raises ValueError."""

    def __init__(
        self, certificate: Path, key: Path, use: Callable[[bytes, bytes, dt.datetime], None]
    ) -> None:
        self._paths = certificate, key
        self._use = use
        self._seen: tuple[bytes, bytes] | None = None
        self._fault = ""

    def look(self) -> bool:
        """Serve the content of the files if it is new; return whether it was.

        ValueError if it can't be served, raised once for each fault. The previous pair stays in
        use.
        """
        try:
            pair = self._read()
            if pair == self._seen:
                self._fault = ""
                return False
            self._use(*pair, _expiry(pair[0]))
        except (OSError, ValueError) as error:
            if (fault := str(error)) == self._fault:
                return False
            self._fault = fault
            certificate, key = self._paths
            raise ValueError(
                f"--cert {certificate} and --key {key} can't be served: {fault}"
            ) from error
        self._seen, self._fault = pair, ""
        return True

    def _read(self) -> tuple[bytes, bytes]:
        contents = []
        for path in self._paths:
            with path.open("rb") as file:
                contents.append(file.read(LARGEST + 1))
            if len(contents[-1]) > LARGEST:
                raise ValueError(f"{path} is larger than {LARGEST} bytes: it must be a PEM file")
        return contents[0], contents[1]


def _expiry(chain: bytes) -> dt.datetime:
    """Return when the first certificate of a PEM chain expires."""
    try:
        return x509.load_pem_x509_certificates(chain)[0].not_valid_after_utc
    except ValueError as error:
        raise ValueError("the certificate is not an X.509 certificate in PEM") from error
