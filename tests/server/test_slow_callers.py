"""Requests that arrive late or never end, and callers that do not read their answers."""

import time
from contextlib import ExitStack

import pytest

from tests.server.conftest import Start
from tests.server.connection import head, request, sent_until_closed
from tests.server.harness import Server, eventually, in_flight, taking_no_answers
from tests.server.reviews import body
from webhook.server.http import protocol

QUICK = ("--shutdown-delay", "0")
PATIENT = {"webhook.server.http.protocol.READ_SECONDS": 60.0}
WHOLE = request(body())
LATE = {
    "no byte of the path": b"POST /mut",
    "half a head": WHOLE[:60],
    "head and no body": head("Content-Length: 1000"),
    "half a body": WHOLE[:-100],
    "a length larger than the data": head("Content-Length: 99999") + body(),
    "chunks that stop": head("Transfer-Encoding: chunked") + b"5\r\nhello\r\n",
    "an empty line": b"\r\n",
    "half a head after an answer": WHOLE + WHOLE[:60],
    "half a body after an answer": WHOLE + WHOLE[:-100],
    "half a body for nobody": request(body(), path="/nothing")[:-100],
}


def test_a_request_that_does_not_arrive_in_time_is_given_up(slow_server: Server) -> None:
    # P1 48, c3
    with ExitStack() as stack:
        late = {name: stack.enter_context(slow_server.connect()) for name in LATE}
        began = time.monotonic()
        for name, connection in late.items():
            connection.send(LATE[name])
        for name, connection in late.items():
            if LATE[name].startswith(WHOLE):
                assert connection.answer().status == 200, name
            status = 404 if b"/nothing" in LATE[name] else 408
            assert connection.answer().status == status, name
            assert connection.ended(6), name
            assert 0.9 < time.monotonic() - began < 6, name
    eventually(lambda: slow_server.metric("modelcache_admission_in_flight") == 0)


def test_an_empty_line_after_an_answer_keeps_no_connection_open(slow_server: Server) -> None:
    # P1 48
    with slow_server.connect() as connection:
        connection.send(WHOLE)
        assert connection.answer().status == 200
        connection.send(b"\r\n")
        assert connection.ended(6)


def test_a_byte_now_and_then_does_not_extend_the_limit(slow_server: Server) -> None:
    # P1 48
    with slow_server.connect() as connection:
        pieces = [WHOLE[at : at + 1] for at in range(len(WHOLE))]
        assert sent_until_closed(connection, pieces, 0.2) < 30


def test_300_slow_callers_delay_no_review(start: Start) -> None:
    # P1 48, c31
    server = start(*QUICK, changes=PATIENT)
    context = server.pair.client_context()
    with ExitStack() as stack:
        slow = [stack.enter_context(server.connect(context)) for _ in range(300)]
        for number, connection in enumerate(slow):
            connection.send(WHOLE[:60] if number % 2 else WHOLE[:-100])
        in_flight(server, 150)
        longest = 0.0
        for _ in range(50):
            began = time.monotonic()
            for connection in slow[:30]:
                connection.send(b" ")
            assert server.post(body()).status == 200
            longest = max(longest, time.monotonic() - began)
    assert longest < 2
    in_flight(server, 0)


def test_1000_slow_bodies_do_not_get_other_reviews_rejected(start: Start) -> None:
    # c31
    server = start(*QUICK, changes=PATIENT)
    context = server.pair.client_context()
    with ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(server.connect(context)).send(WHOLE[:-100])
        assert server.post(body()).status == 200
        assert server.metric("modelcache_admission_shed_total") == 0


def test_a_caller_that_reads_no_answers_is_dropped(slow_server: Server) -> None:
    # c31
    slow_server.post(body())
    descriptors = slow_server.descriptors()
    with taking_no_answers(slow_server):
        assert slow_server.descriptors() > descriptors
        eventually(lambda: slow_server.descriptors() <= descriptors, 8)
    assert slow_server.post(body()).status == 200


def test_a_caller_that_pipelines_endlessly_is_dropped_and_costs_no_memory(
    slow_server: Server,
) -> None:
    # c6, c31
    before = slow_server.memory()
    with slow_server.connect() as connection:
        assert sent_until_closed(connection, [WHOLE * 20] * 2000) < 1000
    assert slow_server.memory() < before + 32 * 2**20


@pytest.mark.parametrize("trailer", [b"a: b\r\n" * 100_000, b"a" * 600_000], ids=["many", "one"])
def test_endless_trailers_cost_no_memory(server: Server, trailer: bytes) -> None:
    # c4
    before, peak, began = server.memory(), 0, time.monotonic()
    with server.connect() as connection:
        connection.send(head("Transfer-Encoding: chunked"), b"2\r\n{}\r\n0\r\n")
        while sent_until_closed(connection, [trailer]):
            peak = max(peak, server.memory())
    # The limit on size ends the request, not the limit on time.
    assert time.monotonic() - began < protocol.READ_SECONDS - 1
    assert peak < before + 256 * 2**20  # what TLS and the socket hold; without a limit it was 2 GB
    assert server.post(body()).status == 200
