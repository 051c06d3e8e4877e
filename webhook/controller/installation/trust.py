"""Find since when API servers trust an authority, according to the registration."""

import time

from certs.authority import Authority, pem
from webhook.controller.installation.configuration import Registered


class Trust:
    """Takes what each look at the registration found."""

    def __init__(self, settle_seconds: float) -> None:
        self._settle = settle_seconds
        self._since: dict[bytes, float] = {}

    def seen(self, registered: Registered, authorities: list[bytes]) -> None:
        """Note which of *authorities*, PEM, are in the caBundle of every entry."""
        now = time.monotonic()
        self._since = {
            one: self._since.get(one, now) for one in authorities if registered.trusts(one)
        }

    def trusted(self, authority: bytes) -> bool:
        """Return whether *authority*, PEM, was trusted at the last look."""
        return authority in self._since

    def settled(self, authority: Authority) -> bool:
        """Return whether it has been trusted for so long that every API server knows it."""
        since = self._since.get(pem(authority.certificate))
        return since is not None and time.monotonic() - since >= self._settle
