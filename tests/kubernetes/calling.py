"""Call the replicas without an API server: a program that runs in the network of a cluster.

Its argument is a JSON file that says what to do. It works until that is done or its standard input
ends. Then it prints how many answers it got, and the text of every fault.
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

from tests.kubernetes.looking import PATIENCE_SECONDS
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
"""What useless connections send: at first, and then each second. A flood does no TLS handshake."""
FILES: Final = 8192
"""File descriptors: the connections of all callers, and some more."""
OPENINGS_SECONDS: Final = 5.0
"""Seconds within which the idle connections are opened."""
LIFE_SECONDS: Final = 5.0
"""Seconds after which a steady caller opens a new connection, and so sees the current certificate."""

NOTICE_SECONDS: Final = 2.0
"""How long useless callers may take to notice that they were ended: they look each second."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What to do, and where."""

    addresses: list[str]
    """Each is host:port; callers are spread over them."""
    name: str
    """The name that certificates must have."""
    bundle: str
    """A PEM file with the authorities to trust; it may change."""
    rate: float = 0.0
    """Reviews a second that steady callers send."""
    idle: list[tuple[float, int, int]] = dataclasses.field(default_factory=list)
    """Seconds that a connection is idle, how many connections, and how often each is used afterwards."""
    crowd: dict[str, int] = dataclasses.field(default_factory=dict)
    """Kind of useless connection → how many."""


class Met:
    """The results of the calls."""

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

    def __init__(self, options: Options) -> None:
        self._options = options
        host, _, port = random.choice(options.addresses).rpartition(":")
        self._address = (host, int(port))
        self.writer: asyncio.StreamWriter | None = None

    async def connect(self, *, tls: bool = True) -> asyncio.StreamWriter:
        self.close()
        context = ssl.create_default_context(cafile=self._options.bundle) if tls else None
        name = self._options.name if tls else None
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
        """Send one review; raises OSError, EOFError or ValueError if the answer is not a patch."""
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


async def steady(options: Options, met: Met) -> None:
    """Send reviews at a steady rate, whatever the answers are."""
    loop = asyncio.get_running_loop()
    callers = [Caller(options) for _ in range(10)]
    began, due = loop.time(), [loop.time()]

    async def ask(caller: Caller) -> None:
        fresh = began
        while True:
            mine = due[0] = max(due[0] + 1 / options.rate, loop.time() - 1)
            await asyncio.sleep(max(0.0, mine - loop.time()))
            if loop.time() - fresh > LIFE_SECONDS:
                caller.close()
                fresh = loop.time()
            with met.call("steady"):
                await caller.ask()

    await asyncio.gather(*(ask(caller) for caller in callers))


async def idle(options: Options, met: Met, seconds: float, times: int) -> None:
    """Use one connection *times* times, each time after *seconds* of idleness; it must still be open."""
    caller = Caller(options)
    await asyncio.sleep(random.uniform(0, OPENINGS_SECONDS))
    for _ in range(times):
        if caller.writer is None:  # at the start, and after an answer that closed the connection
            with met.call("before"):
                await caller.ask()
        await asyncio.sleep(seconds)
        with met.call(f"after {seconds:g} s"):
            await caller.ask()
    caller.close()


async def crowd(options: Options, met: Met, kind: str) -> None:
    """Hold a useless connection until the server closes it, then open another."""
    first, more = PRETENCES[kind]
    caller = Caller(options)
    await asyncio.sleep(random.uniform(0, OPENINGS_SECONDS))
    while True:
        with met.call(kind):
            writer = await caller.connect(tls=kind != "flood")
            writer.write(first)
            while not (writer.transport.is_closing() or caller.ended):
                await asyncio.sleep(1)
                writer.write(more)
        await asyncio.sleep(1)


async def work(options: Options) -> Met:
    met = Met()
    finite = [
        idle(options, met, seconds, times)
        for seconds, connections, times in options.idle
        for _ in range(connections)
    ]
    endless: list[Coroutine[Any, Any, None]] = [
        crowd(options, met, kind) for kind, number in options.crowd.items() for _ in range(number)
    ]
    if options.rate:
        endless.append(steady(options, met))
    over = asyncio.Event()
    # Nothing is ever written to it, so it becomes readable when it is closed.
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), over.set)
    tasks = [asyncio.create_task(one) for one in endless]
    ending = asyncio.create_task(over.wait())
    if finite:
        await asyncio.gather(*finite)
    if endless:
        await ending
        await asyncio.sleep(NOTICE_SECONDS)
    for task in (*tasks, ending):
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
    return met


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, FILES)), hard))
    met = asyncio.run(work(Options(**json.loads(Path(sys.argv[1]).read_text()))))
    sys.stdout.write(json.dumps([met.answered, met.faults]))


if __name__ == "__main__":
    main()
