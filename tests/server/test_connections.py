"""How connections are kept, filled slowly, broken and refused."""

import itertools
import select
import socket
import ssl
import struct
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress

import pytest

from tests.server.conftest import Start
from tests.server.harness import (
    HOST,
    Connection,
    Server,
    eventually,
    head,
    in_flight,
    request,
    taking_no_answers,
)
from tests.server.reviews import body
from webhook.http import listener, protocol

QUICK = ("--shutdown-delay", "0")


def test_idle_connections_are_kept_longer_than_the_api_server_keeps_them() -> None:
    # P1 46
    assert listener.IDLE_SECONDS >= 95


def test_a_connection_is_used_again_after_some_idle_seconds(start: Start) -> None:
    # P1 46: longer than requests may take, and than the 5 s of uvicorn
    server = start(*QUICK, changes={"webhook.http.protocol.READ_SECONDS": 1.0})
    with server.connect() as used, server.connect() as fresh:
        used.send(request(body()))
        assert used.answer().status == 200
        time.sleep(5.5)
        for connection in (used, fresh):
            connection.send(request(body()))
            assert connection.answer().status == 200


def test_an_idle_connection_is_closed_in_the_end(start: Start) -> None:
    # P1 46
    server = start(*QUICK, changes={"webhook.http.listener.IDLE_SECONDS": 1})
    with server.connect() as used, server.connect() as fresh:
        used.send(request(body()))
        assert used.answer().status == 200
        assert used.ended(5)
        assert fresh.ended(5)


def test_an_old_connection_closes_after_its_next_answer(start: Start) -> None:
    # P1 45b
    server = start(*QUICK, changes={"webhook.http.protocol.MOST_SECONDS": 2.0})
    with server.connect() as connection:
        connection.send(request(body()))
        assert "connection" not in connection.answer().headers
        time.sleep(4)
        connection.send(request(body()))
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert connection.ended(3)


def test_500_idle_connections_hold_up_nobody(server: Server) -> None:
    # P1 47
    with ExitStack() as stack:
        context = server.pair.client_context()
        idle = [stack.enter_context(server.connect(context)) for _ in range(500)]
        with server.connect() as connection:
            connection.send(request(body()))
            assert connection.answer().status == 200
        for connection in idle[::100]:
            connection.send(request(body()))
            assert connection.answer().status == 200


def test_the_least_useful_connection_makes_room_for_a_new_one(start: Start) -> None:
    # c31
    server = start(*QUICK, changes={"webhook.http.protocol.MOST_CONNECTIONS": 10})
    with ExitStack() as stack:
        used = stack.enter_context(server.connect())
        idle = [stack.enter_context(server.connect()) for _ in range(9)]
        used.send(request(body()))
        assert used.answer().status == 200
        for _ in range(5):
            stack.enter_context(server.connect())
        assert all(connection.ended(3) for connection in idle[:5])
        used.send(request(body()))
        assert used.answer().status == 200
        assert server.descriptors() < 40


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


def test_what_does_not_arrive_in_time_is_not_waited_for(slow_server: Server) -> None:
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


def sent_until_closed(connection: Connection, parts: Iterable[bytes], pause: float = 0) -> int:
    """Send *parts* until the server closes; return how many it took."""
    number = 0
    with suppress(OSError):
        for part in parts:
            connection.send(part)
            number += 1
            time.sleep(pause)
    return number


def test_a_byte_now_and_then_does_not_prolong_the_limit(slow_server: Server) -> None:
    # P1 48
    with slow_server.connect() as connection:
        pieces = [WHOLE[at : at + 1] for at in range(len(WHOLE))]
        assert sent_until_closed(connection, pieces, 0.2) < 30


PATIENT = {"webhook.http.protocol.READ_SECONDS": 60.0}


def test_300_slow_callers_hold_up_nobody(start: Start) -> None:
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


def test_1000_who_dawdle_over_bodies_do_not_get_others_shed(start: Start) -> None:
    # c31
    server = start(*QUICK, changes=PATIENT)
    context = server.pair.client_context()
    with ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(server.connect(context)).send(WHOLE[:-100])
        assert server.post(body()).status == 200
        assert server.metric("modelcache_admission_shed_total") == 0


def test_a_caller_that_takes_no_answers_is_dropped(slow_server: Server) -> None:
    # c31
    slow_server.post(body())
    descriptors = slow_server.descriptors()
    with taking_no_answers(slow_server):
        assert slow_server.descriptors() > descriptors
        eventually(lambda: slow_server.descriptors() <= descriptors, 8)
    assert slow_server.post(body()).status == 200


def test_who_asks_ahead_without_end_is_dropped_and_costs_no_memory(slow_server: Server) -> None:
    # c6, c31
    before = slow_server.memory()
    with slow_server.connect() as connection:
        assert sent_until_closed(connection, [WHOLE * 20] * 2000) < 1000
    assert slow_server.memory() < before + 32 * 2**20


@pytest.mark.parametrize("trailer", [b"a: b\r\n" * 100_000, b"a" * 600_000], ids=["many", "one"])
def test_trailers_without_end_cost_no_memory(server: Server, trailer: bytes) -> None:
    # c4
    before, peak, began = server.memory(), 0, time.monotonic()
    with server.connect() as connection:
        connection.send(head("Transfer-Encoding: chunked"), b"2\r\n{}\r\n0\r\n")
        while sent_until_closed(connection, [trailer]):
            peak = max(peak, server.memory())
    # Its size ends it, not the time that a request may take.
    assert time.monotonic() - began < protocol.READ_SECONDS - 1
    assert peak < before + 256 * 2**20  # what TLS and the socket hold; unbounded it was 2 GB
    assert server.post(body()).status == 200


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    # P1 48
    uids = [str(n) for n in range(40)]
    with server.connect() as connection:
        connection.send(b"".join(request(body(uid=uid)) for uid in uids))
        assert [connection.answer().response["uid"] for _ in uids] == uids


def test_a_body_in_chunks_is_put_together(server: Server) -> None:
    # P1 48
    content = body()
    with server.connect() as connection:
        connection.send(head("Transfer-Encoding: chunked"))
        for at in range(0, len(content), 100):
            part = content[at : at + 100]
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        connection.send(b"0\r\n\r\n")
        assert "patch" in connection.answer().response


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_request_in_any_pieces_is_put_together(server: Server, size: int) -> None:
    # P1 48
    with server.connect() as connection:
        connection.send(*(WHOLE[at : at + size] for at in range(0, len(WHOLE), size)))
        assert "patch" in connection.answer().response


def test_who_expects_it_is_told_to_continue(server: Server) -> None:
    # P1 48
    content = body()
    with server.connect() as connection:
        connection.send(head(f"Content-Length: {len(content)}", "Expect: 100-continue"))
        assert connection.answer().status == 100
        connection.send(content)
        assert "patch" in connection.answer().response


def test_http_1_0_is_answered_and_closed(server: Server) -> None:
    # P1 48
    with server.connect() as connection:
        connection.send(WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        assert "patch" in connection.answer().response
        assert connection.ended(3)


def test_who_asks_to_close_is_answered_and_closed(server: Server) -> None:
    # P1 48
    with server.connect() as connection:
        connection.send(request(body(), "Connection: close"))
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert connection.ended(3)


NO_HTTP = {
    "random": bytes(range(256)) * 4,
    "two lengths": WHOLE.replace(b"Content-Length", b"Content-Length: 5\r\nContent-Length", 1),
    "length and chunks": WHOLE.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost", 1),
    "negative length": head("Content-Length: -1"),
    "no number": head("Content-Length: many"),
    "overflow": head("Content-Length: 99999999999999999999999"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "NUL in a header": WHOLE.replace(b"localhost", b"local\x00host", 1),
    "not ASCII in the path": WHOLE.replace(b"/mutate", b"/mut\xe4te", 1),
    "no method": b"\x16\x03\x01\x02\x00\r\n\r\n",
    "a tunnel": b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n",
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP.keys())
def test_what_is_not_http_is_refused_and_closed(slow_server: Server, sent: bytes) -> None:
    # c33
    with slow_server.connect() as connection:
        connection.send(sent)
        answer = connection.answer()
        assert answer.status == 400
        assert b"Traceback" not in answer.body
        assert connection.ended(6)


def test_a_head_without_end_is_refused(slow_server: Server) -> None:
    # P1 48
    before = slow_server.memory()
    line = b"X: " + b"x" * 8000 + b"\r\n"
    with slow_server.connect() as connection:
        connection.send(b"POST /mutate HTTP/1.1\r\n")
        sent_until_closed(connection, itertools.repeat(line))
    assert slow_server.memory() < before + 8 * 2**20


@pytest.mark.parametrize(("size", "status"), [(12_000, 200), (30_000, 431)])
def test_a_large_head_is_refused_and_a_usual_one_served(
    slow_server: Server, size: int, status: int
) -> None:
    # P1 48
    sent = request(body(), f"Authorization: Bearer {'x' * size}")
    with slow_server.connect() as connection:
        sent_until_closed(
            connection, [sent[at : at + 1000] for at in range(0, len(sent), 1000)], 0.001
        )
        assert connection.answer().status == status


def test_an_upgrade_is_not_followed(slow_server: Server) -> None:
    # P1 88
    with slow_server.connect() as connection:
        connection.send(
            b"GET /mutate HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert connection.answer().status == 405


@pytest.mark.parametrize(
    "sent",
    [WHOLE, bytes(range(256)) * 8, b"", b"\x16\x03\x01", b"\x16\x03\x01\x40\x00" + b"x" * 99],
)
def test_what_is_not_tls_is_closed_and_others_are_served(server: Server, sent: bytes) -> None:
    # c33
    lines = len(server.lines)
    with server.plain() as connection:
        connection.send(sent)
        if len(sent) > 1000:
            assert connection.ended(5) or connection.ended(5)
    assert server.post(body()).status == 200
    time.sleep(0.2)
    assert not [line for line in server.lines[lines:] if b"decision" not in line]


@pytest.mark.parametrize(
    ("version", "served"),
    [
        (ssl.TLSVersion.TLSv1, False),
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_1_2_and_1_3_are_served_and_nothing_older(
    server: Server, version: ssl.TLSVersion, served: bool
) -> None:
    # c33, P2 101
    context = server.pair.client_context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    if served:
        with server.connect(context) as connection:
            connection.send(WHOLE)
            assert connection.answer().status == 200
    else:
        with pytest.raises(ssl.SSLError):
            server.connect(context)


@pytest.mark.parametrize("name", [None, "nobody.example.org"])
def test_any_server_name_is_served(server: Server, name: str | None) -> None:
    # c33
    context = server.pair.client_context()
    context.check_hostname = False
    raw = socket.create_connection((HOST, server.port), timeout=5)
    with context.wrap_socket(raw, server_hostname=name) as tls:
        tls.sendall(WHOLE)
        assert select.select([tls], [], [], 5)[0]
        assert tls.recv(12) == b"HTTP/1.1 200"


def test_only_http_1_1_is_offered(server: Server) -> None:
    # c33
    context = server.pair.client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with server.connect(context) as connection:
        assert isinstance(connection.socket, ssl.SSLSocket)
        assert connection.socket.selected_alpn_protocol() == "http/1.1"


def test_connections_that_are_reset_are_let_go(start: Start) -> None:
    server = start("--shutdown-delay", "0")

    def reset(times: int) -> None:
        for _ in range(times):
            with server.connect() as connection:
                connection.send(request(body()))
                assert connection.answer().status == 200
                now = struct.pack("ii", 1, 0)
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)

    reset(100)
    before = server.memory()
    reset(400)
    # Kept until its timer fires, each holds 61 KB: 24 MB.
    assert server.memory() < before + 10 * 2**20
