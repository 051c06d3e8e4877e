"""How connections are kept, retired, dropped to make room, and freed."""

import socket
import struct
import time
from contextlib import ExitStack

from tests.server.conftest import Start
from tests.server.connection import request
from tests.server.harness import Server, eventually
from tests.server.reviews import body
from webhook.server.http import listener

QUICK = ("--shutdown-delay", "0")


def test_idle_connections_are_kept_longer_than_the_api_server_keeps_them() -> None:
    # P1 46
    assert listener.IDLE_SECONDS >= 95


def test_a_connection_is_used_again_after_some_idle_seconds(start: Start) -> None:
    # P1 46: longer than requests may take, and than the 5 s of uvicorn
    server = start(*QUICK, changes={"webhook.server.http.protocol.READ_SECONDS": 1.0})
    with server.connect() as used, server.connect() as fresh:
        used.send(request(body()))
        assert used.answer().status == 200
        time.sleep(5.5)
        for connection in (used, fresh):
            connection.send(request(body()))
            assert connection.answer().status == 200


def test_an_idle_connection_is_closed_eventually(start: Start) -> None:
    # P1 46
    server = start(*QUICK, changes={"webhook.server.http.listener.IDLE_SECONDS": 1})
    with server.connect() as used, server.connect() as fresh:
        used.send(request(body()))
        assert used.answer().status == 200
        assert used.ended(5)
        assert fresh.ended(5)


def test_an_old_connection_closes_after_its_next_answer(start: Start) -> None:
    # P1 45b
    server = start(*QUICK, "--connection-age", "2s")
    with server.connect() as connection:
        connection.send(request(body()))
        assert "connection" not in connection.answer().headers
        time.sleep(4)
        connection.send(request(body()))
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert connection.ended(3)


def test_with_an_age_of_zero_a_connection_closes_after_each_answer(start: Start) -> None:
    # P1 45b
    server = start(*QUICK, "--connection-age", "0s")
    for _ in range(3):
        with server.connect() as connection:
            connection.send(request(body()))
            answer = connection.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert connection.ended(3)


def test_500_idle_connections_delay_no_review(server: Server) -> None:
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
    server = start(*QUICK, changes={"webhook.server.descriptors.MOST_CONNECTIONS": 10})
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


def test_reset_connections_are_freed(start: Start) -> None:
    server = start("--shutdown-delay", "0", measured=True)

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


def test_connections_and_handshakes_are_counted_when_metrics_are_read(start: Start) -> None:
    # P1 85
    server = start(*QUICK)

    def counted(admission: int, handshakes: int) -> bool:
        return (
            server.metric("modelcache_http_connections", port="admission"),
            server.metric("modelcache_http_handshakes"),
            server.metric("modelcache_asyncio_tasks") - idle,
        ) == (admission, handshakes, handshakes)

    idle = server.metric("modelcache_asyncio_tasks")
    assert counted(0, 0)
    with server.connect(), server.connect(), server.plain(), server.plain(), server.plain():
        eventually(lambda: counted(2, 3))
    eventually(lambda: counted(0, 0))
    assert server.metric("modelcache_http_connections", port="probes") == 1, "the one that asks"
