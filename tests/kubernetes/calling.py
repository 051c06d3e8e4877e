"""Callers of the replicas that are no API server: a program for the network of a cluster.

It is told on its command line what to do, in JSON, goes on until that is done or its standard
input ends, and prints what it met: how many answers, and every fault by its text.
"""

import asyncio
import collections
import contextlib
import dataclasses
import json
import random
import resource
import ssl
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Final

import httpx

from tests.server.reviews import body

BODY: Final = body()
HEADERS: Final = (
    "POST /mutate?timeout=5s HTTP/1.1\r\nHost: webhook\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(BODY)}\r\n\r\n"
)
REVIEW: Final = HEADERS.encode() + BODY
PRETENCES: Final = {
    "idle": (b"", b""),
    "slow headers": (b"POST /mutate HTTP/1.1\r\n", b"a"),
    "slow bodies": (HEADERS.encode(), b"{"),
    "flood": (b"", b""),
}
"""What those send who hold a connection of no use: at first, and each second. A flood shakes no
hands."""
FILES: Final = 8192
"""Connections of all callers, and some more."""
OPENINGS_SECONDS: Final = 5.0
"""In which connections are opened that stay idle."""
LIFE_SECONDS: Final = 5.0
"""After which steady callers take a new connection, and so meet the certificate of the moment."""
PATIENCE_SECONDS: Final = 5.0
"""For an answer: timeoutSeconds of the registration."""


@dataclasses.dataclass(frozen=True)
class Order:
    """What is to be done, and where."""

    addresses: list[str]
    """host:port; callers are spread over them."""
    name: str
    """The name that certificates must bear."""
    bundle: str
    """The file of the authorities to trust, PEM; it may change."""
    rate: float = 0.0
    """Reviews a second, of steady callers."""
    idle: list[tuple[float, int, int]] = dataclasses.field(default_factory=list)
    """Seconds of idleness, how many connections, and how often each is used after them."""
    crowd: dict[str, int] = dataclasses.field(default_factory=dict)
    """How many who hold connections of no use, by their pretence."""


class Met:
    """What became of the calls."""

    def __init__(self) -> None:
        self.answered: collections.Counter[str] = collections.Counter()
        self.faults: collections.Counter[str] = collections.Counter()

    @contextlib.contextmanager
    def call(self, kind: str) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, ValueError) as error:
            self.faults[f"{kind}: {type(error).__name__}: {error}"[:200]] += 1
        else:
            self.answered[kind] += 1


class Caller:
    """One connection at a time."""

    def __init__(self, order: Order) -> None:
        self._order = order
        host, _, port = random.choice(order.addresses).rpartition(":")
        self._address = (host, int(port))
        self.writer: asyncio.StreamWriter | None = None

    async def connect(self, *, tls: bool = True) -> asyncio.StreamWriter:
        self.close()
        context = ssl.create_default_context(cafile=self._order.bundle) if tls else None
        name = self._order.name if tls else None
        async with asyncio.timeout(PATIENCE_SECONDS):
            self._reader, self.writer = await asyncio.open_connection(
                *self._address, ssl=context, server_hostname=name
            )
        return self.writer

    def close(self) -> None:
        if self.writer:
            self.writer.transport.abort()
            self.writer = None

    @property
    def ended(self) -> bool:
        """Whether the server has ended the connection."""
        return self._reader.at_eof()

    async def ask(self) -> None:
        """Ask for one review; OSError, EOFError or ValueError if it does not end in a patch."""
        writer = self.writer or await self.connect()
        async with asyncio.timeout(PATIENCE_SECONDS):
            writer.write(REVIEW)
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            (length,) = [h for h in head.split(b"\r\n") if h.startswith(b"content-length:")]
            answer = await self._reader.readexactly(int(length.split(b":")[1]))
        if not head.startswith(b"http/1.1 200 ") or b'"patch"' not in answer:
            raise ValueError(f"{head.splitlines()[0]!r} {answer[:100]!r}")
        if b"\r\nconnection: close" in head:
            self.close()


async def steady(order: Order, met: Met) -> None:
    """Ask at a rate, whatever the answers."""
    loop = asyncio.get_running_loop()
    callers = [Caller(order) for _ in range(10)]
    began, due = loop.time(), [loop.time()]

    async def ask(caller: Caller) -> None:
        fresh = began
        while True:
            mine = due[0] = max(due[0] + 1 / order.rate, loop.time() - 1)
            await asyncio.sleep(max(0.0, mine - loop.time()))
            if loop.time() - fresh > LIFE_SECONDS:
                caller.close()
                fresh = loop.time()
            with met.call("steady"):
                await caller.ask()

    await asyncio.gather(*(ask(caller) for caller in callers))


async def idle(order: Order, met: Met, seconds: float, times: int) -> None:
    """Use one connection *times* after *seconds* of idleness; it must have stayed open."""
    caller = Caller(order)
    await asyncio.sleep(random.uniform(0, OPENINGS_SECONDS))
    for _ in range(times):
        if caller.writer is None:  # at the start, and where the answer said that it is the last
            with met.call("before"):
                await caller.ask()
        await asyncio.sleep(seconds)
        with met.call(f"after {seconds:g} s"):
            await caller.ask()
    caller.close()


async def crowd(order: Order, met: Met, kind: str) -> None:
    """Hold a connection of no use as long as it lasts, and take another then."""
    first, more = PRETENCES[kind]
    caller = Caller(order)
    await asyncio.sleep(random.uniform(0, OPENINGS_SECONDS))
    while True:
        with met.call(kind):
            writer = await caller.connect(tls=kind != "flood")
            writer.write(first)
            while not (writer.transport.is_closing() or caller.ended):
                await asyncio.sleep(1)
                writer.write(more)
        await asyncio.sleep(1)


async def work(order: Order) -> Met:
    met = Met()
    finite = [
        idle(order, met, seconds, times)
        for seconds, connections, times in order.idle
        for _ in range(connections)
    ]
    endless: list[Coroutine[Any, Any, None]] = [
        crowd(order, met, kind) for kind, number in order.crowd.items() for _ in range(number)
    ]
    if order.rate:
        endless.append(steady(order, met))
    over = asyncio.Event()
    # Nothing is ever written there: it can be read when it ends.
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), over.set)
    tasks = [asyncio.create_task(one) for one in endless]
    ending = asyncio.create_task(over.wait())
    if finite:
        await asyncio.gather(*finite)
    if endless:
        await ending
    for task in (*tasks, ending):
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
    return met


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, FILES)), hard))
    if sys.argv[1] == "leaves":
        for address in sys.argv[2:]:
            leaf = ssl.get_server_certificate((address, 8443), timeout=PATIENCE_SECONDS)
            sys.stdout.write(leaf)
        return
    if sys.argv[1] == "get":
        sys.stdout.write(httpx.get(sys.argv[2], trust_env=False).text)
        return
    met = asyncio.run(work(Order(**json.loads(Path(sys.argv[1]).read_text()))))
    sys.stdout.write(json.dumps([met.answered, met.faults]))


if __name__ == "__main__":
    main()
