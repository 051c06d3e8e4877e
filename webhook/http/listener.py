"""One port: its socket, its connections, and their end."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final

import uvicorn
from uvicorn.server import ServerState

from webhook.http.asgi import Application
from webhook.http.protocol import TimedProtocol

IDLE_SECONDS: Final = 120
"""The API server keeps idle connections for 90 s and does not retry a POST on EOF."""
_HANDSHAKE_SECONDS: Final = 10
_CLOSE_SECONDS: Final = 2


class Listener:
    """One port; ValueError if it can't be had."""

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

    async def sweep(self, timed_out: Callable[[], None]) -> None:
        """Close connections that are late, for ever, once a second."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1)
            now = loop.time()
            for connection in list(self.state.connections):
                if isinstance(connection, TimedProtocol) and connection.close_if_late(now):
                    timed_out()

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
