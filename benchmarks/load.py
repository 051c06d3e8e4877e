"""A load client that behaves like an API server: HTTP/1.1, TLS, connections kept open.

It runs in a separate process and prints one JSON document. With a rate, requests are
a Poisson process, and latency counts from the moment when a request was due. Without
a rate, each connection sends its next request as soon as it has an answer.
"""

import argparse
import asyncio
import contextlib
import gc
import random
import ssl
import time
from collections import deque
from collections.abc import Sequence
from typing import Final, cast

import msgspec
import uvloop

from benchmarks.poisson import Clock
from benchmarks.reviews import SIZES, bodies

GO_BUFFER: Final = 4096
"""Bytes that Go's client writes at once, with headers: a body arrives in two TLS records."""
PATIENCE: Final = 3.0
"""Seconds to wait at the end for the last answers."""
HEADERS: Final = (
    b"POST /mutate?timeout=10s HTTP/1.1\r\n"
    b"Host: modelcache.modelcache-system.svc:443\r\n"
    b"User-Agent: kube-apiserver-admission\r\n"
    b"Content-Length: %d\r\n"
    b"Accept: application/json, */*\r\n"
    b"Content-Type: application/json\r\n"
    b"Accept-Encoding: gzip\r\n\r\n"
)


class Result(msgspec.Struct, frozen=True):
    """The result of one visit, without its warm-up."""

    answered: int
    wrong: int
    seconds: float
    cpu_us: float
    """Processor time of the server for one admission."""
    p50_us: float
    p99_us: float

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds


class Visit(msgspec.Struct, frozen=True):
    """The options of one visit to a server."""

    port: int
    pids: tuple[int, ...]
    """Processes of the server."""
    sizes: tuple[str, ...] = SIZES
    connections: int = 16
    seconds: float = 600.0
    requests: int = 10_000_000
    warm_up: float = 0.3
    rate: float | None = None


class Connection(asyncio.Protocol):
    """One connection that is kept open. It has at most one unanswered request."""

    def __init__(self, client: "Client") -> None:
        self.client = client
        self.due = 0
        self.received = bytearray()
        self.transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def ask(self, request: Sequence[bytes], due: int) -> None:
        """Send one request that was due at a moment in nanoseconds."""
        self.due = due
        self.transport.writelines(request)

    def data_received(self, data: bytes) -> None:
        if self.received:
            self.received += data
            data = bytes(self.received)
        head = data.find(b"\r\n\r\n") + 4
        if head > 3:
            start = data.lower().find(b"content-length:", 0, head) + 15
            if len(data) >= head + int(data[start : data.find(b"\r", start)]):
                self.received.clear()
                right = data.startswith(b"HTTP/1.1 200") and b'"patch":"' in data
                last = data.find(b"\r\nconnection: close\r\n", 0, head) > 0
                self.client.answered(self, right, last)
                return
        if not self.received:
            self.received += data

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.client.lost(self)


class Client:
    """The connections of one visit and what they measure."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.open: set[Connection] = set()
        self.joining: set[asyncio.Task[Connection]] = set()
        self.requests = [_wire(body) for size in visit.sizes for body in bodies(size)]
        random.Random(visit.rate).shuffle(self.requests)
        self.sent = 0
        self.waiting: deque[int] = deque()
        self.idle: deque[Connection] = deque()
        self.latencies: list[int] = []
        self.wrong = 0
        self.under_way = 0
        self.quiet, self.closed = asyncio.Event(), asyncio.Event()
        self.measuring = False
        self.done = asyncio.get_running_loop().create_future()

    async def connect(self) -> Connection:
        """Return one more connection."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self), "127.0.0.1", self.visit.port, ssl=context
        )
        self.open.add(connection)
        return connection

    def answered(self, connection: Connection, right: bool, last: bool) -> None:
        """Record an answer and send the next request; after the *last*, on a new connection."""
        now = time.perf_counter_ns()
        self.under_way -= 1
        if self.measuring:
            self.latencies.append(now - connection.due)
            self.wrong += not right
            if len(self.latencies) >= self.visit.requests:
                self.stop()
        if self.done.done() and not self.under_way:
            self.quiet.set()
        if not last:
            self.use(connection, now)
            return
        self.open.discard(connection)
        task = asyncio.create_task(self.connect())
        self.joining.add(task)
        task.add_done_callback(self.joined)

    def joined(self, task: asyncio.Task[Connection]) -> None:
        """Use a connection that replaces one that the server retired."""
        self.joining.discard(task)
        if error := task.exception():
            if not self.done.done():
                self.done.set_exception(error)
            return
        self.use(task.result(), time.perf_counter_ns())

    def use(self, connection: Connection, now: int) -> None:
        """Send a request over a free connection, or keep the connection until a request is due."""
        if self.visit.rate is None:
            self._ask(connection, now)
        elif self.waiting:
            self._ask(connection, self.waiting.popleft())
        else:
            self.idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """Count a connection that the server closed during a request."""
        if connection not in self.open:
            return
        self.open.discard(connection)
        if not self.open:
            self.closed.set()
        if not self.done.done():
            self.wrong += 1
            self.done.set_exception(ConnectionError(f"closed: {bytes(connection.received)!r}"))

    def due(self, moment: int) -> None:
        """Send a request that is due, or keep it until a connection is free."""
        if self.idle:
            self._ask(self.idle.popleft(), moment)
        else:
            self.waiting.append(moment)

    def stop(self) -> None:
        """End the visit."""
        if not self.done.done():
            self.done.set_result(None)

    def _ask(self, connection: Connection, due: int) -> None:
        if not self.done.done():
            connection.ask(self.requests[self.sent % len(self.requests)], due)
            self.sent += 1
            self.under_way += 1


async def visit(plan: Visit) -> Result:
    """Visit a server once."""
    client = Client(plan)
    for _ in range(plan.connections):
        await client.connect()
    gc.freeze()
    gc.disable()
    for connection in client.open:
        client.use(connection, time.perf_counter_ns())
    clock = Clock(plan.rate, client.due) if plan.rate else None
    if clock:
        clock.start()
    await asyncio.sleep(plan.warm_up)
    began, used = time.perf_counter(), cpu_ns(plan.pids)
    client.measuring = True
    asyncio.get_running_loop().call_later(plan.seconds, client.stop)
    await client.done
    used, took = cpu_ns(plan.pids) - used, time.perf_counter() - began
    client.measuring = False
    if clock:
        clock.stop()
    await _leave(client)
    return _result(client, used, took)


async def _leave(client: Client) -> None:
    """Wait for the last answers, then close idle connections, as an API server does."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            if client.under_way:
                await client.quiet.wait()
            for connection in client.open:
                connection.transport.close()
            await client.closed.wait()


def cpu_ns(pids: Sequence[int]) -> int:
    """Return the processor time of processes, from their CPU-time clocks."""
    return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in pids)


def _result(client: Client, used: int, took: float) -> Result:
    ordered = sorted(client.latencies) or [0]
    return Result(
        answered=len(client.latencies),
        wrong=client.wrong,
        seconds=took,
        cpu_us=used / 1000 / max(1, len(client.latencies)),
        p50_us=ordered[len(ordered) // 2] / 1000,
        p99_us=ordered[len(ordered) * 99 // 100] / 1000,
    )


def _wire(body: bytes) -> tuple[bytes, ...]:
    request = HEADERS % len(body) + body
    return tuple(part for part in (request[:GO_BUFFER], request[GO_BUFFER:]) if part)


def main() -> None:
    """Make the visit that the argument describes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("visit", help="a Visit, as JSON")
    plan = msgspec.json.decode(parser.parse_args().visit, type=Visit)
    uvloop.install()
    print(msgspec.json.encode(asyncio.run(visit(plan))).decode())


if __name__ == "__main__":
    main()
