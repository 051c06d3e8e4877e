"""Short reviews, which the protocol answers itself, and others, which a task answers."""

import json
from collections.abc import Callable, Mapping

import pytest

from tests.server.conftest import Start
from tests.server.connection import head, request
from tests.server.harness import Server, eventually, in_flight
from tests.server.reviews import OPT_IN, body, pod
from webhook.server.http.admission_port import LARGEST_AT_ONCE
from webhook.server.http.protocol import MOST_PIPELINED

DEPLOYMENT = body(
    {"metadata": {}, "spec": {"template": pod()}},
    kind={"group": "apps", "version": "v1", "kind": "Deployment"},
    resource={"group": "apps", "version": "v1", "resource": "deployments"},
)
SENT = {
    "a patch": ("/mutate", body(uid="a")),
    "no patch": ("/mutate", body(pod({}))),
    "a denial": ("/mutate", body(pod(OPT_IN | {"modelcache.io/memory": "?"}))),
    "no review": ("/mutate", b"{}"),
    "nothing": ("/mutate", b""),
    "a workload": ("/mutate-workload", DEPLOYMENT),
}


def in_chunks(path: str, content: bytes) -> bytes:
    chunk = b"%x\r\n%s\r\n" % (len(content), content) if content else b""
    return head("Transfer-Encoding: chunked", path=path) + chunk + b"0\r\n\r\n"


OTHERS: Mapping[str, Callable[[str, bytes], bytes]] = {
    "chunks": in_chunks,
    "long": lambda path, sent: request(sent + b" " * LARGEST_AT_ONCE, path=path),
    "charset": lambda path, sent: request(sent, path=path, kind="application/json; charset=utf-8"),
    "identity": lambda path, sent: request(sent, "Content-Encoding: identity", path=path),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize(("path", "content"), SENT.values(), ids=SENT.keys())
def test_a_review_gets_the_same_answer_however_it_is_sent(
    server: Server, path: str, content: bytes, other: Callable[[str, bytes], bytes]
) -> None:
    with server.connect() as connection:
        connection.send(request(content, path=path), other(path, content))
        assert connection.answer() == connection.answer()


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
@pytest.mark.parametrize(
    ("version", "header"), [("1.0", "X: y"), ("1.1", "Connection: close")], ids=["1.0", "close"]
)
def test_the_last_answer_of_a_connection_says_so_however_the_review_is_sent(
    server: Server, version: str, header: str, kind: str
) -> None:
    sent = request(body(), header, kind=kind).replace(b"HTTP/1.1", f"HTTP/{version}".encode(), 1)
    with server.connect() as connection:
        connection.send(sent)
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert connection.ended(3)


def test_a_short_review_is_answered_in_one_record(server: Server) -> None:
    with server.connect() as connection:
        for _ in range(3):
            connection.send(request(body()))
            answer = connection.socket.recv(65536)  # of one record, even if there are more
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert "patch" in json.loads(answer.partition(b"\r\n\r\n")[2])["response"]


def test_short_reviews_wait_for_the_previous_answer(server: Server) -> None:
    contents = [b"{}"] * (MOST_PIPELINED - 1) + [body()]
    with server.connect() as connection:
        connection.send(in_chunks("/mutate", body()) + b"".join(map(request, contents)))
        assert [connection.answer().status for _ in range(MOST_PIPELINED + 1)] == [
            200, *[400] * (MOST_PIPELINED - 1), 200
        ]  # fmt: skip
    in_flight(server, 0)


@pytest.mark.parametrize(
    "sent", [request(body()), in_chunks("/mutate", body())], ids=["", "chunks"]
)
def test_a_fault_is_500_and_an_answer_while_draining_says_so_however_the_review_is_sent(
    start: Start, sent: bytes
) -> None:
    server = start(
        "--shutdown-delay",
        "3",
        changes={"webhook.server.reviews.kept_answers.admit": {"raises": "a secret"}},
    )
    with server.connect() as connection:
        connection.send(sent)
        answer = connection.answer()
        assert (answer.status, "connection" in answer.headers) == (500, False)
        server.signal()
        eventually(lambda: server.events("draining"))
        connection.send(sent * 2)
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (500, "close")
        assert connection.ended(2)
        # The request after the last answer was not reviewed.
        assert server.metric("modelcache_http_requests_total") == 2
