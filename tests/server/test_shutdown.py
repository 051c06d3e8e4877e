"""The shutdown, from SIGTERM to the exit."""

import re
import signal
import ssl
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.server.conftest import Start
from tests.server.connection import request
from tests.server.harness import PATIENCE, Server, eventually, in_flight, taking_no_answers
from tests.server.reviews import body

WHOLE = request(body())


def stopped(server: Server, number: int = signal.SIGTERM) -> float:
    """Send *server* a signal; return when it was sent, once the server drains."""
    server.signal(number)
    began = time.monotonic()
    eventually(lambda: server.events("draining"), 5)
    return began


def blocked_signals(pid: int) -> list[set[int]]:
    """Return the signals that each thread of a process blocks, beginning with its first thread."""
    found = []
    for task in sorted(Path(f"/proc/{pid}/task").iterdir(), key=lambda task: int(task.name)):
        (mask,) = re.findall(r"^SigBlk:\s*(\w+)$", (task / "status").read_text(), re.MULTILINE)
        found.append({number for number in range(1, 65) if int(mask, 16) >> number - 1 & 1})
    return found


@pytest.mark.parametrize("at", [40, -100], ids=["head", "body"])
def test_a_request_that_has_begun_is_answered_and_the_process_ends_with_status_0(
    start: Start, at: int
) -> None:
    # P0 31
    server = start("--shutdown-delay", "0", "--drain", "8")
    with server.connect() as connection, server.connect() as idle:
        connection.send(WHOLE[:at])
        in_flight(server, at < 0)
        time.sleep(0.1)
        stopped(server)
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        assert idle.ended(3)
        connection.send(WHOLE[at:])
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert "patch" in answer.response
    assert server.ended(4) == 0
    assert server.events("stopped")


def test_during_the_delay_everyone_is_served_and_told_to_reconnect(start: Start) -> None:
    # P0 31, P0 36
    server = start("--shutdown-delay", "3")
    with server.connect() as kept:
        kept.send(WHOLE)
        assert "connection" not in kept.answer().headers
        began = stopped(server)
        ready = server.health("/readyz")
        assert ready.status == 503
        assert "draining" in ready.json["missing"]
        assert server.health("/livez").status == 200
        kept.send(WHOLE)
        for answer in (kept.answer(), server.post(body())):
            assert (answer.status, answer.headers["connection"]) == (200, "close")
        for path, status in (("/nothing", 404), ("/mutate", 400)):
            assert server.post(b"", path).status == status
        while time.monotonic() - began < 2:
            with server.connect() as new:
                new.send(WHOLE)
                assert new.answer().status == 200
            time.sleep(0.1)
    assert server.ended(4) == 0
    assert time.monotonic() - began > 2.9


@pytest.mark.parametrize("sent", [WHOLE[:-100], WHOLE[:40], b""], ids=["body", "head", "nothing"])
def test_half_a_request_delays_the_end_no_longer_than_drain(start: Start, sent: bytes) -> None:
    # P0 32
    server = start("--shutdown-delay", "0", "--drain", "1")
    with server.connect() as connection:
        connection.send(sent)
        time.sleep(0.2)
        began = stopped(server)
        assert server.ended(3) == 0
        assert time.monotonic() - began < 3


def test_200_idle_connections_do_not_delay_the_end(start: Start) -> None:
    # c29
    server = start("--shutdown-delay", "0", "--drain", "8")
    context = server.pair.client_context()
    with ExitStack() as stack:
        for number in range(200):
            connection = stack.enter_context(server.connect(context))
            if number % 2:
                connection.send(WHOLE)
                assert connection.answer().status == 200
        stopped(server)
        # None of them answers close_notify (c30), because nothing reads them.
        assert server.ended(5) == 0


def test_stalled_handshakes_do_not_delay_the_end(start: Start) -> None:
    # c29
    server = start("--shutdown-delay", "0", "--drain", "1")
    with ExitStack() as stack:
        for sent in (b"", b"\x16\x03\x01\x02\x00"):
            stack.enter_context(server.plain()).send(sent)
        hello = ssl.MemoryBIO()
        tls = server.pair.client_context().wrap_bio(ssl.MemoryBIO(), hello)
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        stack.enter_context(server.plain()).send(hello.read())
        time.sleep(0.2)
        stopped(server)
        assert server.ended(3) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_delay(start: Start, number: int) -> None:
    # P0 31
    server = start("--shutdown-delay", "60", "--drain", "60")
    stopped(server)
    assert server.process.poll() is None
    server.signal(number)
    assert server.ended(3) == 0


def test_an_interrupt_skips_the_delay(start: Start) -> None:
    # P0 31
    server = start("--shutdown-delay", "60")
    server.signal(signal.SIGINT)
    assert server.ended(3) == 0


def test_a_third_signal_ends_the_process_at_once(start: Start) -> None:
    # P0 31, P0 32
    server = start("--shutdown-delay", "60", "--drain", "60")
    with server.connect() as connection:
        connection.send(WHOLE[:-100])
        in_flight(server, 1)
        stopped(server)
        server.signal()
        time.sleep(0.5)
        assert server.process.poll() is None
        server.signal()
        assert server.ended(3) == 0


def test_a_caller_that_reads_no_answers_does_not_delay_the_end(start: Start) -> None:
    # c30
    server = start("--shutdown-delay", "0", "--drain", "1")
    with taking_no_answers(server):
        stopped(server)
        assert server.ended(4) == 0


def test_requests_under_way_at_the_end_are_all_answered(start: Start) -> None:
    # P0 31: each request that was sent in time gets its answer
    server = start("--shutdown-delay", "0", "--drain", "8")
    context = server.pair.client_context()
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect(context)) for _ in range(50)]
        for connection in connections:
            connection.send(WHOLE[:-100])
        in_flight(server, 50)
        stopped(server)
        for connection in connections:
            connection.send(WHOLE[-100:])
        for connection in connections:
            assert connection.answer().status == 200
    assert server.ended(PATIENCE) == 0


def test_only_the_first_thread_receives_signals(start: Start) -> None:
    # After the loop has closed, a signal to another thread would kill the process.
    server = start()
    assert server.health("/livez").status == 200
    first, *others = blocked_signals(server.process.pid)
    assert not first
    assert len(others) >= 2
    assert all({signal.SIGTERM, signal.SIGINT} <= blocked for blocked in others)


def test_endless_signals_do_not_break_the_exit(start: Start) -> None:
    server = start("--shutdown-delay", "0", "--drain", "0")
    end = time.monotonic() + PATIENCE
    while server.process.poll() is None and time.monotonic() < end:
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.002)
    assert server.ended() == 0
