"""HTTP/1.1 in pieces of any size, and bytes that are not HTTP."""

import itertools

import pytest

from tests.server.connection import head, request, sent_until_closed
from tests.server.harness import Server
from tests.server.reviews import body

WHOLE = request(body())


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    # P1 48
    uids = [str(n) for n in range(40)]
    with server.connect() as connection:
        connection.send(b"".join(request(body(uid=uid)) for uid in uids))
        assert [connection.answer().response["uid"] for _ in uids] == uids


def test_a_chunked_body_is_joined(server: Server) -> None:
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
def test_a_request_in_pieces_of_any_size_is_joined(server: Server, size: int) -> None:
    # P1 48
    with server.connect() as connection:
        connection.send(*(WHOLE[at : at + size] for at in range(0, len(WHOLE), size)))
        assert "patch" in connection.answer().response


def test_a_client_that_sends_expect_is_told_to_continue(server: Server) -> None:
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


def test_a_client_that_requests_close_is_answered_and_closed(server: Server) -> None:
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
def test_bytes_that_are_not_http_are_refused_and_the_connection_closed(
    slow_server: Server, sent: bytes
) -> None:
    # c33
    with slow_server.connect() as connection:
        connection.send(sent)
        answer = connection.answer()
        assert answer.status == 400
        assert b"Traceback" not in answer.body
        assert connection.ended(6)


def test_an_endless_head_is_refused(slow_server: Server) -> None:
    # P1 48
    before = slow_server.memory()
    line = b"X: " + b"x" * 8000 + b"\r\n"
    with slow_server.connect() as connection:
        connection.send(b"POST /mutate HTTP/1.1\r\n")
        sent_until_closed(connection, itertools.repeat(line))
    assert slow_server.memory() < before + 8 * 2**20


@pytest.mark.parametrize(("size", "status"), [(12_000, 200), (30_000, 431)])
def test_a_large_head_is_refused_and_a_usual_one_is_served(
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
