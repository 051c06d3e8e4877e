"""The webhook as a process: listen, answer, drain, stop.

On SIGTERM readiness turns false and answers carry Connection: close, while new
connections are still taken for --shutdown-delay (endpoints lag behind); then
the listeners close, what runs may finish within --drain, and the rest is cut.
Each further signal ends the phase it comes in; SIGINT knows no delay.
"""

import asyncio
import contextlib
import functools
import gc
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvicorn
import uvloop
from uvicorn.server import ServerState

from certs.context import memory_context, server_context
from webhook import __version__
from webhook.admission import EXCLUDED, Admission
from webhook.asgi import AdmissionPort, Application, Receive, Scope, Send
from webhook.facts import DEFAULT_LOADER_IMAGE, Facts
from webhook.log import Logger, line_log, open_log
from webhook.log_lines import Lines
from webhook.policy import Policy
from webhook.protocol import IDLE_SECONDS, TimedProtocol, sweep
from webhook.review_protocol import ReviewProtocol
from webhook.telemetry import Telemetry

_HANDSHAKE_SECONDS: Final = 10
_CLOSE_SECONDS: Final = 2
_LONGEST_NAMESPACE: Final = 63
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
DEV_HOSTS: Final = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a process is told, read once."""

    policy: Policy = field(default_factory=Policy)
    host: str = "0.0.0.0"  # noqa: S104  # pods are called on their own address
    port: int = 8443
    health_port: int = 8080
    certificate: Path | None = None
    """None: made in memory, for development."""
    key: Path | None = None
    kube_version: tuple[int, int] | None = None
    image_volumes: bool = False
    loader_image: str = DEFAULT_LOADER_IMAGE
    own_namespace: str = "modelcache-system"
    self_check: bool = False
    shutdown_delay: float = 5
    """Seconds between SIGTERM and the end of listening."""
    drain: float = 10
    """Seconds that running requests may take after that."""
    log_format: str = "json"


def _tls(settings: Settings) -> tuple[ssl.SSLContext, bytes | None]:
    """Return the context to serve with, and the CA that signed a pair made for it."""
    if settings.certificate and settings.key:
        return server_context(settings.certificate, settings.key), None
    from certs.dev import make_pair  # noqa: PLC0415  # only --dev pays for the import

    pair = make_pair(DEV_HOSTS)
    return memory_context(pair.certificate, pair.key), pair.ca


def _facts(settings: Settings) -> Callable[[str], Facts]:
    known: dict[str, Facts] = {}

    def facts(namespace: str) -> Facts:
        if (found := known.get(namespace)) is None:
            found = Facts(
                namespace=namespace,
                kube_version=settings.kube_version,
                image_volumes=settings.image_volumes,
                loader_image=settings.loader_image,
            )
            if len(known) < 10_000 and len(namespace) <= _LONGEST_NAMESPACE:
                known[namespace] = found
        return found

    return facts


class Deferred:
    """An application that is imported in a thread, when it is asked or told to.

    FastAPI takes as long to import as all the rest; reviews are answered meanwhile.
    """

    def __init__(self, make: Callable[[], Application]) -> None:
        self._make = make
        self._loading: asyncio.Task[Application] | None = None

    async def loaded(self) -> Application:
        """Return the application, imported by now."""
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._loading)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await (await self.loaded())(scope, receive, send)


class Listener:
    """One port: its socket, its connections."""

    def __init__(
        self,
        app: Application,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        protocol: Callable[..., TimedProtocol] = TimedProtocol,
    ) -> None:
        self.config = uvicorn.Config(
            app, loop="none", http=TimedProtocol, ws="none", lifespan="off", log_config=None,
            access_log=False, proxy_headers=False, server_header=False, date_header=False,
            timeout_keep_alive=IDLE_SECONDS,
        )  # fmt: skip
        self.config.load()
        self.state = ServerState()
        self._tls = tls
        self._protocol = protocol
        self._socket = _bound(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Take connections."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: self._protocol(self.config, self.state, {}, loop),
            sock=self._socket,
            ssl=self._tls,
            backlog=2048,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if self._tls else None,
            ssl_shutdown_timeout=_CLOSE_SECONDS if self._tls else None,
        )

    async def close(self, seconds: float, cut: asyncio.Event) -> None:
        """Stop listening, let requests finish for *seconds* or until *cut*, abort the rest."""
        if self._server:
            self._server.close()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        for connection in list(self.state.connections):
            connection.shutdown()
        while self.state.connections and loop.time() < end and not cut.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(cut.wait(), 0.05)
        for connection in list(self.state.connections):
            if connection.transport is not None:
                connection.transport.abort()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise ValueError(f"can't listen on {host} port {port}: {error.strerror}") from error
    return found


async def _run(settings: Settings, logger: Logger, lines: Lines) -> None:
    stop, hurry, cut = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def stopping(number: int) -> None:
        if not stop.is_set():
            stop.set()
            if number == signal.SIGTERM:
                return
        if hurry.is_set():
            cut.set()
        hurry.set()

    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopping, number)
    telemetry = Telemetry(line_log(lines, settings.log_format))
    admission = Admission(
        settings.policy,
        _facts(settings),
        telemetry,
        excluded=EXCLUDED | {settings.own_namespace},
        self_check=settings.self_check,
    )

    def fault(error: Exception) -> None:
        # The text of an exception may hold a part of the object.
        logger.error("fault", type=type(error).__name__, at=_place(error))

    def probes() -> Application:
        from webhook.health import health_app  # noqa: PLC0415  # the slow import, see Deferred

        return health_app(telemetry.registry, lambda: missing)

    def nothing() -> Application:
        from webhook.health import bare_app  # noqa: PLC0415  # likewise

        return bare_app()

    port = AdmissionPort(admission, telemetry, Deferred(nothing), fault)
    missing = {"listening": "the admission port is not open yet"}
    tls, ca = _tls(settings)
    listener = Listener(
        port, settings.host, settings.port, tls, functools.partial(ReviewProtocol, port)
    )
    health_app = Deferred(probes)
    health = Listener(health_app, settings.host, settings.health_port, None)
    await listener.listen()
    await health.listen()
    await health_app.loaded()
    missing.clear()
    gc.collect()
    gc.freeze()
    logger.info("serving", version=__version__, port=listener.port, health_port=health.port)
    if ca:
        from webhook.registration import registration  # noqa: PLC0415  # likewise

        sys.stdout.write(registration(f"https://127.0.0.1:{listener.port}", ca))
        sys.stdout.flush()
    sweeps = [
        asyncio.create_task(sweep(listener.state, telemetry.timeouts.inc)),
        asyncio.create_task(sweep(health.state, lambda: None)),
    ]
    await stop.wait()
    port.draining = True
    missing["draining"] = "the process was told to stop"
    logger.info("draining", delay=settings.shutdown_delay, drain=settings.drain)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(hurry.wait(), settings.shutdown_delay)
    await listener.close(settings.drain, cut)
    await health.close(0.1, cut)
    for task in sweeps:
        task.cancel()
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    logger.info("stopped")


def _place(error: Exception) -> str:
    """Return file and line of the innermost frame of *error*."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def serve(settings: Settings) -> None:
    """Serve until told to stop; ValueError if the process can't start."""
    # The log's thread takes no signal, so that one which comes after the loop has closed, when
    # nothing handles it any more, meets threads that block it instead of killing the exit.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    logger, lines = open_log(settings.log_format)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings, logger, lines))
    finally:
        lines.close()
