"""The cost that the server adds to a review, in counts that are the same on all machines."""

import asyncio
import gc
import socket
import struct
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import uvloop

from benchmarks.reviews import bodies
from certs.context import server_context
from tests.server.connection import Connection, request
from tests.server.harness import HOST, PairFiles
from tests.server.reviews import Same
from webhook.server.http.admission_port import AdmissionPort
from webhook.server.http.health import bare_app
from webhook.server.http.listener import Listener
from webhook.server.http.review_protocol import ReviewProtocol
from webhook.server.reviews.reviewer import Reviewer
from webhook.server.telemetry.decisions import Telemetry

REVIEWS = [request(body) for body in bodies("5 KB")]


@asynccontextmanager
async def listening(
    pair: PairFiles,
) -> AsyncIterator[tuple[Listener, "weakref.WeakSet[ReviewProtocol]"]]:
    """Listen in this process; yield the listener and the connections that are still referenced."""
    held: weakref.WeakSet[ReviewProtocol] = weakref.WeakSet()
    telemetry = Telemetry(lambda _: None)
    faults: list[Exception] = []
    reviewer = Reviewer(Same(), telemetry)
    port = AdmissionPort(reviewer, telemetry, bare_app(), faults.append, 40)

    def protocol(*arguments: Any) -> ReviewProtocol:
        made = ReviewProtocol(port, *arguments)
        held.add(made)
        return made

    context = server_context(pair.certificate.read_bytes(), pair.key.read_bytes())
    listener = Listener(port, HOST, 0, context, protocol)
    await listener.listen()
    yield listener, held
    await listener.close(0, asyncio.Event())
    assert not faults


def connect(pair: PairFiles, port: int) -> Connection:
    plain = socket.create_connection((HOST, port), timeout=20)
    return Connection(pair.client_context().wrap_socket(plain, server_hostname="localhost"))


def ask(connection: Connection) -> None:
    for sent in REVIEWS:
        connection.send(sent)
        assert "patch" in connection.answer().response


def test_a_review_through_the_server_costs_few_frames_and_calls(pair: PairFiles) -> None:
    # performance: a hit, from the record that arrives to the one that leaves
    frames = calls = 0

    def count(_: FrameType, event: str, argument: object) -> None:
        nonlocal frames, calls
        frames += event == "call"
        calls += event == "c_call"

    async def counted() -> None:
        async with listening(pair) as (listener, _):
            connection = await asyncio.to_thread(connect, pair, listener.port)
            with connection:
                await asyncio.to_thread(ask, connection)
                sys.setprofile(count)  # of this thread: that of the server
                try:
                    await asyncio.to_thread(ask, connection)
                finally:
                    sys.setprofile(None)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(counted())
    assert 0 < frames / len(REVIEWS) <= 52
    assert 0 < calls / len(REVIEWS) <= 43


def leave(pair: PairFiles, port: int) -> None:
    """Disconnect after an answer, in the middle of a review, and with a reset."""
    for sent in (REVIEWS[0], REVIEWS[0][:-100], b""):
        for seconds in (None, 0):
            with connect(pair, port) as connection:
                connection.send(sent)
                if sent == REVIEWS[0]:
                    connection.answer()
                if seconds is not None:
                    now = struct.pack("ii", 1, seconds)
                    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)


def test_a_connection_that_ended_leaves_nothing_to_the_garbage_collector(pair: PairFiles) -> None:
    # performance: each holds 61 KB of TLS buffers until it is collected
    async def left() -> int:
        async with listening(pair) as (listener, held):
            await asyncio.to_thread(leave, pair, listener.port)
            for _ in range(500):
                if not held:
                    break
                await asyncio.sleep(0.01)
            return len(held)

    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            assert runner.run(left()) == 0
    finally:
        gc.enable()
