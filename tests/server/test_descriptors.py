"""Open files: the limit, its shares, and what happens when they are used up."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.server.conftest import Start
from tests.server.connection import Connection, request
from tests.server.harness import HOST, PATIENCE, Server, eventually, in_flight
from tests.server.reviews import body
from webhook.server import descriptors
from webhook.server.http.accept import _PAUSE
from webhook.server.http.listener import _SLOW_SECONDS

QUICK = ("--shutdown-delay", "0")
WHOLE = request(body())
DROPPED = "modelcache_http_connections_dropped_total"
FAILED = "modelcache_http_accept_failures_total"


def is_served(connection: Connection) -> bool:
    connection.send(WHOLE)
    return connection.answer().status == 200


def use_up(server: Server) -> None:
    """Lower the limit to the files that are open, once ended connections are closed."""
    before = -1
    while (now := server.descriptors()) != before:
        before = now
        time.sleep(0.1)
    server.limit_files(now)


@contextmanager
def connected(server: Server, number: int) -> Iterator[list[Connection]]:
    """Keep connections open whose handshake is complete."""
    context = server.pair.client_context()
    with ExitStack() as stack:
        yield [stack.enter_context(server.connect(context)) for _ in range(number)]


def test_the_limit_is_raised_to_what_the_system_allows(start: Start) -> None:
    server = start(*QUICK, files=f"256:{descriptors.needed()}")
    limits = Path(f"/proc/{server.process.pid}/limits").read_text().splitlines()
    (line,) = [line for line in limits if line.startswith("Max open files")]
    assert line.split()[3:5] == [str(descriptors.needed())] * 2
    assert not server.events("few_descriptors")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param(2**20, (2000, 1200, 50), id="what containers have"),
        pytest.param(3378, (2000, 1200, 50), id="as many as needed"),
        pytest.param(3377, (1999, 1199, 49), id="one too few"),
        pytest.param(1024, (551, 330, 13), id="what shells have"),
        pytest.param(64, (1, 1, 1), id="less than the process itself needs"),
    ],
)
def test_shares_are_reduced_in_proportion(limit: int, expected: tuple[int, int, int]) -> None:
    found = descriptors.shares(limit)
    assert (found.connections, found.handshakes, found.probes) == expected
    assert sum(expected) <= max(limit - 128, 3)


def test_a_limit_that_is_too_low_is_logged_and_kept_with_500_idle_connections(start: Start) -> None:
    # P1 47, c31
    server = start(*QUICK, files="1024:1024")
    (line,) = server.events("few_descriptors")
    assert (line["limit"], line["needed"], line["connections"]) == (1024, 3378, 551)
    with connected(server, 500) as idle:
        assert server.post(body()).status == 200
        assert all(is_served(connection) for connection in idle[::50])
        assert server.health("/livez").status == 200
    assert server.metric(DROPPED) == server.metric(FAILED) == 0


def test_a_flood_of_connections_leaves_descriptors_for_all_others(start: Start) -> None:
    # c31
    server = start(*QUICK, files="400:400")
    most = descriptors.shares(400).connections
    with connected(server, 400) as flood:
        assert server.post(body()).status == 200
        assert server.health("/readyz").status == 200
        assert is_served(flood[-1])
        assert server.descriptors() <= most + 64
        assert 400 - most <= server.metric(DROPPED) <= 402 - most
    assert server.metric(FAILED) == 0
    eventually(lambda: server.descriptors() < 40)


def test_stalled_handshakes_make_room_for_others(start: Start) -> None:
    # P1 48, c31, c33
    server = start(*QUICK, files="400:400")
    with ExitStack() as stack, server.connect() as kept:
        for _ in range(600):
            stack.enter_context(server.plain())
        with server.connect() as new:
            assert is_served(new)
        assert is_served(kept)
        assert server.health("/readyz").status == 200
        assert server.descriptors() <= descriptors.shares(400).handshakes + 64
        assert server.metric(DROPPED) >= 600 - descriptors.shares(400).handshakes
    assert server.metric(FAILED) == 0
    eventually(lambda: server.descriptors() < 40)


def test_when_descriptors_run_out_idle_connections_make_room(start: Start) -> None:
    # c31
    server = start(*QUICK)
    with ExitStack() as stack, server.connect() as busy:
        busy.send(WHOLE[:-100])
        in_flight(server, 1)
        idle = stack.enter_context(connected(server, 30))  # all opened after the busy one
        use_up(server)
        assert server.health("/livez").status == 200
        with server.connect() as new:
            assert is_served(new)
        busy.send(WHOLE[-100:])
        assert busy.answer().status == 200
        assert sum(connection.ended(0.1) for connection in idle) == server.metric(DROPPED) > 0
        assert server.metric(FAILED) >= 1
    assert len(server.events("accept_failed")) == 1


def test_when_descriptors_run_out_connections_that_sent_a_request_are_ended_last(
    start: Start,
) -> None:
    # c31: an API server's connection may carry its next review just then
    server = start(*QUICK)
    with server.connect() as asked:
        assert is_served(asked)
        with connected(server, 30) as idle:  # all opened later
            use_up(server)
            assert server.health("/livez").status == 200
            assert is_served(asked)
            assert sum(connection.ended(0.1) for connection in idle) == server.metric(DROPPED) > 0


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Pause the server for the time of this context, as an overloaded machine would."""
    server.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.signal(signal.SIGCONT)


def test_when_descriptors_run_out_no_review_that_has_arrived_is_lost(start: Start) -> None:
    # c31: the server sees the connection that waits for a descriptor before the reviews that arrived
    server = start(*QUICK)
    with connected(server, 20) as new, ExitStack() as stack:
        use_up(server)
        with frozen(server):
            stack.enter_context(server.plain())
            for connection in new:
                connection.send(WHOLE)
        assert [connection.answer().status for connection in new] == [200] * 20
        eventually(lambda: server.metric(FAILED) >= 1)


def test_when_descriptors_run_out_a_handshake_that_waits_for_us_is_not_slow(
    start: Start,
) -> None:
    # c31
    server = start(*QUICK)
    context = server.pair.client_context()
    with ExitStack() as stack:
        new = [stack.enter_context(server.plain()) for _ in range(10)]
        eventually(lambda: server.metric("modelcache_http_handshakes") == 10)
        use_up(server)
        served = []

        def ask(connection: Connection) -> None:
            wrapped = context.wrap_socket(connection.socket, server_hostname="localhost")
            with Connection(wrapped) as new:
                served.append(is_served(new))

        askers = [threading.Thread(target=ask, args=(connection,)) for connection in new]
        with frozen(server):
            stack.enter_context(server.plain())
            for asker in askers:
                asker.start()
            time.sleep(2 * _SLOW_SECONDS)
        for asker in askers:
            asker.join(PATIENCE)
        assert served == [True] * 10
        eventually(lambda: server.metric(FAILED) >= 1)


@pytest.mark.parametrize("strangers", [1, 6])
def test_when_descriptors_run_out_ending_a_few_strangers_is_enough(
    start: Start, strangers: int
) -> None:
    # c31: fewer than the server ends at a time; it must not make up the number with API servers
    server = start(*QUICK)
    with connected(server, 5) as asked, connected(server, strangers) as idle:
        assert all(is_served(connection) for connection in asked)
        use_up(server)
        with server.connect() as new:
            assert is_served(new)
            assert all(is_served(connection) for connection in asked)
        assert all(connection.ended(0.1) for connection in idle)


def test_if_every_connection_sent_a_request_the_longest_idle_makes_room(
    start: Start,
) -> None:
    # c31
    server = start(*QUICK)
    with connected(server, 5) as asked:
        for connection in asked:
            assert is_served(connection)
            time.sleep(0.01)  # the loop's clock counts milliseconds
        use_up(server)
        with ExitStack() as new:
            for _ in range(2):
                assert is_served(new.enter_context(server.connect()))
            ended = [connection.ended(0.1) for connection in asked]
        # As many as there were new connections; one fewer if a descriptor was free by then.
        assert ended in ([True, *[False] * 4], [True, True, *[False] * 3])


def test_if_nothing_can_make_room_the_server_waits_and_continues_afterwards(start: Start) -> None:
    # c31
    server = start(*QUICK, changes={"webhook.server.http.protocol.READ_SECONDS": 60.0})
    with connected(server, 5) as busy:
        for connection in busy:
            connection.send(WHOLE[:-100])
        in_flight(server, 5)
        use_up(server)
        began = time.monotonic()
        with socket.create_connection((HOST, server.port), timeout=PATIENCE) as waiting:
            eventually(lambda: server.events("accept_failed"))
            time.sleep(4 * _PAUSE)
            tries = (time.monotonic() - began) / _PAUSE
            busy.pop().socket.close()
            context = server.pair.client_context()
            with Connection(context.wrap_socket(waiting, server_hostname="localhost")) as new:
                assert is_served(new)
                for connection in busy:
                    connection.send(WHOLE[-100:])
                    assert connection.answer().status == 200
        assert 2 <= server.metric(FAILED) <= tries + 4  # no busy loop
    assert len(server.events("accept_failed")) == 1
