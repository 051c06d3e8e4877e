"""Listen on one port: its socket, its connections, and how they end."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from heapq import nsmallest
from typing import Final

import uvicorn
from uvicorn.server import ServerState

from webhook.server.http.accept import Acceptor, Limits, unread
from webhook.server.http.asgi import Application
from webhook.server.http.protocol import TimedProtocol

IDLE_SECONDS: Final = 120
"""More than the 90 s for which the API server keeps an idle connection: it does not retry a POST
on EOF."""
_HANDSHAKE_SECONDS: Final = 10
_CLOSE_SECONDS: Final = 2
_SLOW_SECONDS: Final = 1
"""When descriptors run out, handshakes that take longer are ended first."""
_BACKLOG: Final = 2048
_FEW: Final = Limits(100, 100)


class Listener:
    """One port; ValueError if it can't be bound."""

    def __init__(
        self,
        app: Application,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        protocol: Callable[..., TimedProtocol] = TimedProtocol,
        limits: Limits = _FEW,
    ) -> None:
        self.config = uvicorn.Config(
            app, loop="none", http=TimedProtocol, ws="none", lifespan="off", log_config=None,
            access_log=False, proxy_headers=False, server_header=False, date_header=False,
            timeout_keep_alive=IDLE_SECONDS,
        )  # fmt: skip
        self.config.load()
        self.state = ServerState()
        self._tls = tls
        self._limits = limits
        self._protocol = protocol
        self._socket = _bound(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._acceptor: Acceptor | None = None

    @property
    def connections(self) -> int:
        """How many connections are open; with TLS, only those with a complete handshake."""
        return len(self.state.connections)

    @property
    def handshakes(self) -> int:
        """How many connections have a handshake under way."""
        return self._acceptor.beginning if self._acceptor else 0

    async def listen(self) -> None:
        """Begin to accept connections."""
        self._socket.setblocking(False)
        self._socket.listen(_BACKLOG)
        self._acceptor = Acceptor(self._socket, self._begin, self._limits)

    async def _begin(self, accepted: socket.socket) -> None:
        """Start serving a connection: with TLS, after the handshake."""
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: self._protocol(self.config, self.state, {}, loop),
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if self._tls else None,
                ssl_shutdown_timeout=_CLOSE_SECONDS if self._tls else None,
            )
        except OSError:  # the peer left, or does not speak TLS: not worth a line in the log
            return
        if len(self.state.connections) > self._limits.connections:
            # The connection that has been idle longest, never the new one.
            self._drop(nsmallest(1, self._held(), key=lambda c: c.used_at))

    def free(self, number: int) -> None:
        """End up to *number* connections on which nobody waits for an answer.

        At most one of them has sent a request, and only if there is no other connection to close
        and no handshake is under way: an API server's next review may be on its way. A connection
        with unread bytes is kept: after a pause of this process, they may be a complete review.
        """
        begun = self._acceptor.abort(number, _SLOW_SECONDS) if self._acceptor else 0
        idle = nsmallest(number, (c for c in self._held() if _has_nothing(c)), key=_usefulness)
        others = [c for c in idle if not c.asked][: number - begun]
        if begun or others or self.handshakes:
            self._drop(others)
        else:
            self._drop(idle[:1])

    def _held(self) -> Iterator[TimedProtocol]:
        """Yield the connections that are not closing."""
        for connection in self.state.connections:
            if isinstance(connection, TimedProtocol) and not connection.transport.is_closing():
                yield connection

    def _drop(self, connections: Iterable[TimedProtocol]) -> None:
        for connection in connections:
            connection.transport.abort()
            self._limits.dropped()

    async def sweep(self, timed_out: Callable[[], None]) -> None:
        """Close late connections once a second, until cancelled; call *timed_out* for each."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1)
            now = loop.time()
            for connection in list(self.state.connections):
                if isinstance(connection, TimedProtocol) and connection.close_if_late(now):
                    timed_out()

    async def close(self, seconds: float, cut: asyncio.Event) -> None:
        """Stop listening, let requests finish for *seconds* or until *cut*, then abort the rest."""
        if self._acceptor:
            self._acceptor.close()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        for connection in list(self.state.connections):
            connection.shutdown()
        while self.state.connections and loop.time() < end and not cut.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(cut.wait(), 0.05)
        if self._acceptor:
            self._acceptor.abort_all()
        for connection in list(self.state.connections):
            if connection.transport is not None:
                connection.transport.abort()


def _has_nothing(connection: TimedProtocol) -> bool:
    """Whether nobody waits for an answer on *connection*, and no bytes of it are unread."""
    return connection.idle and not unread(connection.transport.get_extra_info("socket").fileno())


def _usefulness(connection: TimedProtocol) -> tuple[bool, float]:
    return connection.asked, connection.used_at


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that is bound; ValueError if it can't be.

    *host*: empty for every address. On a machine without IPv6 these are the IPv4 ones.
    """
    both = not host and socket.has_dualstack_ipv6()
    address = host or ("::" if both else "0.0.0.0")  # noqa: S104  # the Service calls any of them
    found = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if address == "::":
        # Whatever net.ipv6.bindv6only is: IPv4 addresses are mapped (RFC 3493, section 3.7).
        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        found.bind((address, port))
    except OSError as error:
        found.close()
        raise ValueError(f"can't listen on {address} port {port}: {error.strerror}") from error
    return found
