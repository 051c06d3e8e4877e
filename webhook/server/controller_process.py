"""Run the controller as a process next to the server, and act on its messages.

It is a separate process because reading answers of the API server in a thread would delay reviews.
If it ends, it is started again. Meanwhile the server keeps serving the certificate that it has.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from webhook.controller.messages import TOPICS, Certificate, Event, Message, Patched, State
from webhook.controller.options import Options
from webhook.server.knowledge import Knowledge
from webhook.server.readiness import Readiness, together
from webhook.server.telemetry.log import Logger
from webhook.server.telemetry.metrics import Metrics

LONGEST: Final = 30.0
"""Seconds until the controller is started again, at most."""
_LINE: Final = 2**20
_decode: Final = msgspec.json.Decoder(Message).decode


class ControllerProcess:
    """The process and its last state; ValueError if *options* contradict each other.

    *use* serves a certificate, and raises ValueError if it can't.
    """

    def __init__(
        self,
        options: Options,
        use: Callable[[bytes, bytes, datetime], None],
        metrics: Metrics,
        logger: Logger,
        knowledge: Knowledge | None = None,
    ) -> None:
        options.lives()
        self._knowledge = knowledge
        self._state = State(
            {"certificate": "the controller has not reported yet"} if options.secret else {}
        )
        self._served = False
        self._options, self._use, self._metrics, self._logger = options, use, metrics, logger

    def readiness(self) -> Readiness:
        """Return what is missing or of concern, as the controller last reported it."""
        learned = self._knowledge.readiness() if self._knowledge else Readiness()
        missing = {**self._state.missing, **learned.missing}
        if self._options.secret is not None and not self._served:
            missing.setdefault("certificate", "there is none yet")
        return together(learned, Readiness(missing, dict[str, str](self._state.concerns.items())))

    async def run(self) -> None:
        """Keep the controller running until cancelled."""
        if self._knowledge is None:
            await self._keep_running()
        else:
            await asyncio.gather(self._keep_running(), self._knowledge.keep())

    async def _keep_running(self) -> None:
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                code = await self._once()
            except OSError as error:  # no memory, or no descriptors, for a process
                self._logger.warning("controller not started", reason=error.strerror)
                code = -1
            self._metrics.controller_up.set(0)
            self._metrics.controller_restarts.inc()
            self._logger.warning("controller ended", code=code)
            lasted = asyncio.get_running_loop().time() - began
            failures = 0 if lasted > LONGEST else min(failures + 1, 10)
            pause = min(LONGEST, 0.5 * 2**failures) * random.uniform(0.5, 1)  # noqa: S311  # spread
            await asyncio.sleep(pause)

    async def _once(self) -> int:
        """Start it, act on its messages until it ends, and return its exit status."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "webhook.controller",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=_LINE, start_new_session=True,  # Ctrl-C in a terminal is for the server
        )  # fmt: skip
        self._metrics.controller_pid = process.pid
        if self._knowledge:
            self._knowledge.begin()
        try:
            if process.stdin and process.stdout:  # always: they are pipes
                process.stdin.write(msgspec.json.encode(self._options) + b"\n")
                with contextlib.suppress(ConnectionError):
                    await process.stdin.drain()
                while line := await process.stdout.readline():
                    self._take(_decode(line))
            return await process.wait()
        finally:
            self._metrics.controller_pid = 0
            if process.returncode is None:
                process.kill()
                await process.wait()

    def _take(self, message: Message) -> None:
        metrics = self._metrics
        match message:
            case Certificate():
                self._serve(message)
            case State():
                self._state = message
                metrics.controller_up.set(int(message.reached))
                metrics.enforcing.set(int(message.enforcing))
                metrics.ca_bundle_authorities.set(message.authorities)
                for topic in TOPICS:
                    metrics.concerns.labels(topic).set(int(topic in message.concerns))
                self._upcoming(message.upcoming_end)
            case Patched():
                metrics.ca_bundle_patches.labels(message.result).inc()
            case Event():
                log = self._logger.warning if message.level == "warning" else self._logger.info
                log(message.event, **message.fields)
            case _ if self._knowledge:
                try:
                    self._knowledge.take(message)
                except ValueError as error:  # a bug of ours must not stop the other messages
                    self._logger.warning("message refused", reason=str(error))
            case _:  # what reviews don't ask for
                pass

    def _upcoming(self, end: datetime | None) -> None:
        if end:
            self._metrics.certificate_end.labels("upcoming").set(end.timestamp())
        else:
            with contextlib.suppress(KeyError):
                self._metrics.certificate_end.remove("upcoming")

    def _serve(self, message: Certificate) -> None:
        try:
            self._use(message.certificate.encode(), message.key.encode(), message.end)
        except ValueError as error:
            self._metrics.certificate_reloads.labels("error").inc()
            self._logger.warning("certificate refused", reason=str(error))
            return
        self._served = True
        self._metrics.certificate_end.labels("authority").set(message.authority_end.timestamp())
        self._logger.info("certificate served", until=message.end.isoformat(timespec="seconds"))
