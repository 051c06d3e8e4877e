"""Limits on the size of bodies, one by one and all together."""

import select
import socket
import threading
import time
from contextlib import suppress

from tests.server.conftest import Start
from tests.server.connection import Connection, head, request
from tests.server.harness import PATIENCE, Server, eventually, in_flight
from tests.server.reviews import OPT_IN, body, inside, pod

MB = 2**20


def large(size: int) -> bytes:
    """Return a review of exactly *size* bytes, most of them in a field that is not read."""
    found = inside(b'""')
    return found.replace(b'"unread": ""', b'"unread": "' + b"x" * (size - len(found)) + b'"')


def test_the_limit_is_12_mib_to_the_byte(server: Server) -> None:
    # P0 33, c6
    assert server.post(large(12 * MB)).status == 200
    answer = server.post(large(12 * MB + 1))
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert server.post(body()).status == 200


def test_a_length_over_the_limit_is_refused_before_the_body_is_sent(server: Server) -> None:
    # P0 33, c6
    with server.connect() as connection:
        connection.send(head("Content-Length: 67108864", "Expect: 100-continue"))
        assert connection.answer().status == 413
        assert connection.ended(3)


def test_a_legal_pod_of_escaped_characters_is_served(server: Server) -> None:
    # P0 33, c7: 1.4 MB of < > & as Go writes them
    sent = pod(OPT_IN)
    sent["spec"]["containers"][0]["env"] = [{"name": "A", "value": "HERE"}]
    text = body(sent).replace(b"HERE", b"\\u003c\\u003e\\u0026" * (1_400_000 // 3))
    assert len(text) > 8_300_000
    began = time.monotonic()
    answer = server.post(text)
    assert time.monotonic() - began < 2
    assert "patch" in answer.response


def test_a_legal_pod_of_plain_text_is_served(server: Server) -> None:
    # P0 33, c7
    sent = pod()
    sent["spec"]["containers"][0]["args"] = ["x" * 1000] * 2900
    assert "patch" in server.post(body(sent)).response


def endless(server: Server, path: str = "/mutate") -> int:
    """Send chunks until the server stops reading; return the status, 0 if none arrived."""
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with server.connect() as connection:
        with suppress(OSError):
            connection.send(head("Transfer-Encoding: chunked", path=path))
            for _ in range(2000):
                connection.send(chunk)
        with suppress(OSError, EOFError):
            return connection.answer().status
    return 0


def test_an_endless_body_is_cut_at_the_limit_and_costs_no_memory(server: Server) -> None:
    # P0 33, c4
    assert endless(server) in {413, 0}
    refused, before = server.metric("modelcache_http_requests_total", code="413"), server.memory()
    for _ in range(5):
        endless(server)
    assert server.metric("modelcache_http_requests_total", code="413") == refused + 5
    assert server.memory() < before + 8 * MB
    assert server.post(body()).status == 200


def test_100_bodies_of_11_mib_at_once_are_shed_and_cost_bounded_memory(start: Start) -> None:
    # c6, P2 99
    patient = {"webhook.server.http.protocol.READ_SECONDS": 60.0}
    server = start("--shutdown-delay", "0", changes=patient, measured=True)
    content = large(11 * MB)
    start_line = head(f"Content-Length: {len(content)}")
    connections = [server.connect() for _ in range(100)]
    before, shed = server.memory(), server.metric("modelcache_admission_shed_total")
    peak = 0
    statuses: list[int] = []

    def send(connection: Connection) -> None:
        with suppress(OSError, EOFError):
            connection.send(start_line)
            for at in range(0, len(content) - MB, MB):
                connection.send(content[at : at + MB])
        with suppress(OSError, EOFError):
            connection.socket.settimeout(0.2)
            statuses.append(connection.answer().status)

    threads = [threading.Thread(target=send, args=(c,)) for c in connections]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        peak = max(peak, server.memory())
        time.sleep(0.05)
    assert server.metric("modelcache_admission_shed_total") > shed
    assert peak < before + 200 * MB
    assert set(statuses) <= {429}
    for connection in connections:
        connection.socket.close()
    in_flight(server, 0)
    assert server.post(body()).status == 200


def test_when_too_many_reviews_arrive_at_once_some_are_told_to_retry(start: Start) -> None:
    # P1 45
    server = start(
        "--shutdown-delay", "0", changes={"webhook.server.http.admission_port.MOST_IN_FLIGHT": 3}
    )
    half = request(body())[:-10]
    waiting = [server.connect() for _ in range(3)]
    for connection in waiting:
        connection.send(half)
    in_flight(server, 3)
    answer = server.post(body())
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert server.metric("modelcache_admission_shed_total") == 1
    waiting[0].send(request(body())[-10:])
    assert waiting[0].answer().status == 200
    assert server.post(body()).status == 200
    for connection in waiting:
        connection.socket.close()
    in_flight(server, 0)


def test_when_too_many_bytes_arrive_at_once_some_reviews_are_told_to_retry(start: Start) -> None:
    # P1 45, c6
    server = start("--shutdown-delay", "0", changes={"webhook.server.http.body.MOST_BUFFERED": MB})
    content = large(3 * MB)
    with server.connect() as connection:
        connection.send(head(f"Content-Length: {len(content)}"), content[: MB - 1000])
        with server.connect() as other:
            other.send(head(f"Content-Length: {len(content)}"), content[:200_000])
            # The connection that sends the byte over the limit is rejected.
            sockets = [connection.socket, other.socket]
            (refused, *_), _, _ = select.select(sockets, [], [], PATIENCE)
            answer = (connection if refused is connection.socket else other).answer()
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    in_flight(server, 0)
    assert server.post(body()).status == 200


def test_callers_that_disconnect_in_the_middle_leave_nothing_behind(server: Server) -> None:
    # P0 34, c28
    eventually(lambda: server.metric("modelcache_admission_in_flight") == 0)
    descriptors = server.descriptors()
    for at in (20, 200, 500):
        for _ in range(10):
            with server.connect() as connection:
                connection.send(request(body())[:at])
                connection.socket.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
                )
    eventually(lambda: server.metric("modelcache_admission_in_flight") == 0)
    eventually(lambda: server.descriptors() <= descriptors)


def test_reviews_of_strangers_grow_neither_the_log_nor_the_memory(start: Start) -> None:
    # c50: names that no API server would send
    server = start("--shutdown-delay", "0", changes={}, measured=True)
    sent = [body(name="n" * MB, namespace=f"{n}" * MB, uid=str(n)) for n in range(10)]
    for content in sent:
        server.post(content)
    before = server.memory()
    for n in range(60):
        server.post(body(name="n" * MB, namespace=f"{n}-" * (MB // 2), uid=f"later {n}"))
    assert server.memory() < before + 16 * MB
    eventually(lambda: len(server.events()) == 70)
    assert max(map(len, server.lines)) < 4096
