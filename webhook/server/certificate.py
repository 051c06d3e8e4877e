"""The certificate that is served: from files, made for development, or from the controller."""

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Final

from certs.served import Served
from webhook.server.readiness import Readiness
from webhook.server.settings import Settings
from webhook.server.telemetry.log import Logger
from webhook.server.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from certs.files import Files

DEV_HOSTS: Final = ("localhost", "127.0.0.1")
PERIOD: Final = 2.0
"""Seconds between two reads of the files: a renewed certificate is served within 10 s."""


class ServingCertificate:
    """The certificate of the admission port; ValueError if the given files can't be served."""

    def __init__(self, settings: Settings, metrics: Metrics, logger: Logger) -> None:
        self.served = Served()
        self.authority: bytes | None = None
        """The CA that signed the certificate of --dev, PEM."""
        self._metrics, self._logger = metrics, logger
        if settings.certificate and settings.key:
            from certs.files import Files  # noqa: PLC0415  # only files need cryptography here

            self._files: Files | None = Files(settings.certificate, settings.key, self.use)
            self._files.look()
        else:
            self._files = None
        if settings.dev:
            self._make()

    def use(self, certificate: bytes, key: bytes, end: dt.datetime) -> None:
        """Serve another PEM pair from now on; ValueError if it can't be served."""
        self.served.replace(certificate, key, end)
        self._metrics.certificate_reloads.labels("ok").inc()
        self._metrics.certificate_end.labels("leaf").set(end.timestamp())

    def readiness(self) -> Readiness:
        """Return what is missing: a valid certificate, once the served one has expired."""
        if self.served.end is None or not self.served.expired():
            return Readiness()
        return Readiness({"certificate": f"it expired at {self.served.end:%Y-%m-%d %H:%M:%S} UTC"})

    async def keep(self) -> None:
        """Serve the pair in the files whenever it changes; runs until cancelled."""
        if self._files:
            await self._look(self._files)

    async def _look(self, files: "Files") -> None:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                if files.look():
                    self._logger.info("certificate served", until=str(self.served.end))
            except ValueError as error:
                self._metrics.certificate_reloads.labels("error").inc()
                self._logger.warning("certificate refused", reason=str(error))

    def _make(self) -> None:
        from certs.dev import make_pair  # noqa: PLC0415  # only --dev pays for the import

        pair = make_pair(DEV_HOSTS)
        self.authority = pair.ca
        self.use(pair.certificate, pair.key, pair.end)
