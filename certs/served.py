"""Serve the certificate that was set last, and replace it without a new listener."""

import datetime as dt
import ssl

from certs.context import empty_context, server_context


class Served:
    """A TLS context whose certificate can be replaced while it serves.

    Each handshake uses the current pair; open connections keep theirs. A new pair is first loaded
    into its own context, because `load_cert_chain` with a key that does not fit would break the
    serving context.
    """

    def __init__(self) -> None:
        self.context = empty_context()
        self.context.sni_callback = self._choose
        self.end: dt.datetime | None = None
        """When the served certificate expires; None if none is served."""
        self._pair: ssl.SSLContext | None = None

    def replace(self, certificate: bytes, key: bytes, end: dt.datetime) -> None:
        """Serve another pair in PEM, which expires at *end*; ValueError if it can't be served."""
        pair = server_context(certificate, key)
        if end <= dt.datetime.now(dt.UTC):
            raise ValueError(f"the certificate expired at {end:%Y-%m-%d %H:%M:%S} UTC")
        self._pair, self.end = pair, end

    def expired(self) -> bool:
        """Whether there is no valid certificate."""
        return self.end is None or self.end <= dt.datetime.now(dt.UTC)

    def _choose(
        self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _: ssl.SSLContext
    ) -> int | None:
        """Use the current pair in a handshake (called with and without SNI)."""
        if self._pair is None or self.expired():
            return ssl.ALERT_DESCRIPTION_CERTIFICATE_EXPIRED
        connection.context = self._pair
        return None
