"""What is no review, too large, of another type, or sent to another place."""

import json
import select
import socket
import ssl
import threading
import time
from contextlib import suppress

import pytest

from tests.server.conftest import Start
from tests.server.harness import PATIENCE, Connection, Server, eventually, head, in_flight, request
from tests.server.reviews import OPT_IN, body, pod, review

MB = 2**20


def changed(**fields: object) -> bytes:
    return json.dumps(review() | fields).encode()


def without_uid(uid: object = None) -> bytes:
    sent = review()
    del sent["request"]["uid"]
    if uid is not None:
        sent["request"]["uid"] = uid
    return json.dumps(sent).encode()


def inside(text: bytes) -> bytes:
    """Return a review whose pod has *text*, any JSON, in a field that nobody reads."""
    sent = pod()
    sent["spec"]["unread"] = "HERE"
    return body(sent).replace(b'"HERE"', text)


NO_REVIEWS = {
    "empty": b"",
    "malformed": b'{"apiVersion": ',
    "trailing": body() + b"x",
    "null": b"null",
    "list": b"[]",
    "string": b'"x"',
    "no request": json.dumps({k: v for k, v in review().items() if k != "request"}).encode(),
    "request null": changed(request=None),
    "request list": changed(request=[]),
    "no uid": without_uid(),
    "uid empty": without_uid(""),
    "uid null": changed(request=review()["request"] | {"uid": None}),
    "uid number": without_uid(1),
    "uid 1 MiB": without_uid("x" * MB),
    "v2": changed(apiVersion="admission.k8s.io/v2"),
    "no apiVersion": changed(apiVersion=None),
    "another kind": changed(kind="AdmissionResponse"),
    "BOM": b"\xef\xbb\xbf" + body(),
    "UTF-16": body().decode().encode("utf-16"),
    "not UTF-8": body().replace(b"vllm/vllm-openai", b"vllm/\xff\xfe"),
    "not UTF-8, unread": inside(b'"\xff"'),
    "overlong UTF-8, unread": inside(b'"\xc0\xaf"'),
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep, unclosed": b"[" * 100_000,
    "NaN": inside(b"NaN"),
    "Infinity": inside(b"-Infinity"),
    "single quotes": b"{'apiVersion': 'admission.k8s.io/v1'}",
    "YAML": b"apiVersion: admission.k8s.io/v1\n",
    "NUL bytes": b"\x00" * 100,
}


@pytest.mark.parametrize("sent", NO_REVIEWS.values(), ids=NO_REVIEWS.keys())
def test_what_is_no_review_is_answered_400_and_the_server_goes_on(
    either: Server, sent: bytes
) -> None:
    # P0 34, P1 49, c1, c2, c8, c11, c14, c15
    answer = either.post(sent)
    assert answer.status == 400
    assert set(answer.json) == {"error"}
    assert len(answer.body) < 400
    assert b"Traceback" not in answer.body
    assert either.post(body()).status == 200


ODD = {
    "deep, unread": inside(b"[" * 100_000 + b"]" * 100_000),
    "deep, unread object": inside(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "deep, metadata": body().replace(
        b'"generateName"', b'"x":' + b"[" * 50_000 + b"]" * 50_000 + b',"generateName"'
    ),
    "5000 digits, unread": inside(b"9" * 5000),
    "5000 digits, read": body().replace(b'"16Gi"', b"9" * 5000),
    "1e400, read": body().replace(b'"16Gi"', b"1e400"),
    "a million digits": inside(b"9" * 1_000_000),
    "lone surrogate, unread": inside(b'"\\ud800"'),
    "lone surrogate, name": body().replace(b'"llm-7d9c5b-"', b'"\\ud800"'),
    "lone surrogate, uid": without_uid("\ud800"),
    "lone surrogate, annotation": body().replace(b'"org/name"', b'"\\udc00x"', 1),
    "reversed pair": body().replace(b'"llm-7d9c5b-"', b'"\\udc00\\ud800"'),
    "NUL": body().replace(b'"vllm"', b'"\\u0000"'),
    "NUL in namespace": body(namespace="\x00"),
    "huge namespace": body(namespace="n" * MB),
    "huge name": body(name="n" * MB),
    "many keys": inside(json.dumps({str(n): n for n in range(100_000)}).encode()),
}


@pytest.mark.parametrize("sent", ODD.values(), ids=ODD.keys())
def test_odd_content_is_answered_and_never_as_our_fault(either: Server, sent: bytes) -> None:
    # P1 49, c8, c13
    answer = either.post(sent)
    assert answer.status in {200, 400}
    if answer.status == 200:
        assert answer.response["uid"] == review()["request"]["uid"]
    assert either.post(body()).status == 200


def test_1000_containers_volumes_and_variables_are_decided_in_time(server: Server) -> None:
    # P1 50
    large = pod()
    large["spec"]["volumes"] = [{"name": f"v{n}", "emptyDir": {}} for n in range(1000)]
    large["spec"]["containers"] += [
        {"name": f"c{n}", "image": "a", "env": [{"name": f"E{n}", "value": "x"} for n in range(20)]}
        for n in range(1000)
    ]
    began = time.monotonic()
    answer = server.post(body(large))
    assert time.monotonic() - began < 2
    assert answer.response["allowed"] is True


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=utf-8", 200),
        ("text/plain", 415),
        ("", 415),
        ("application/yaml", 415),
        ("application/jsonx", 415),
        ("application/vnd.kubernetes.protobuf", 415),
    ],
)
def test_only_json_is_read(server: Server, kind: str, status: int) -> None:
    # P1 41
    assert server.post(body(), content_type=kind).status == status


@pytest.mark.parametrize(("coding", "status"), [("gzip", 415), ("br", 415), ("identity", 200)])
def test_what_is_compressed_is_not_read(server: Server, coding: str, status: int) -> None:
    # P1 41
    assert server.post(body(), content_encoding=coding).status == status


@pytest.mark.parametrize("path", ["/mutate", "/mutate-workload"])
@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_refused_and_told_which_is_right(
    server: Server, path: str, method: str
) -> None:
    # P1 42
    answer = server.post(body(), path, method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "path",
    ["/", "/mutate/", "/Mutate", "/nothing", "/docs", "/redoc", "/openapi.json", "/metrics",
     "/livez", "/readyz", "//mutate", "/mutate/../docs"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_admission_port_serves_nothing_else(server: Server, path: str, method: str) -> None:
    # P1 42, P1 88
    before = server.metric("modelcache_http_requests_total", code="404")
    answer = server.post(body() if method == "POST" else b"", path, method)
    assert answer.status == 404
    assert "server" not in answer.headers
    assert server.metric("modelcache_http_requests_total", code="404") == before + 1


@pytest.mark.parametrize(
    "path", ["/mutate?timeout=5s", "/mutate?timeout=", "/mutate?timeout=-1e9y", "/%6dutate"]
)
def test_a_query_changes_nothing(server: Server, path: str) -> None:
    # P1 44
    assert "patch" in server.post(body(), path).response


def large(size: int) -> bytes:
    """Return a review of exactly *size* bytes, most of them read by nobody."""
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
    """Send chunks until the server has had enough; return the status, 0 if it didn't arrive."""
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with server.connect() as connection:
        with suppress(OSError):
            connection.send(head("Transfer-Encoding: chunked", path=path))
            for _ in range(2000):
                connection.send(chunk)
        with suppress(OSError, EOFError):
            return connection.answer().status
    return 0


def test_a_body_without_end_is_cut_at_the_limit_and_costs_no_memory(server: Server) -> None:
    # P0 33, c4
    assert endless(server) in {413, 0}
    refused, before = server.metric("modelcache_http_requests_total", code="413"), server.memory()
    for _ in range(5):
        endless(server)
    assert server.metric("modelcache_http_requests_total", code="413") == refused + 5
    assert server.memory() < before + 8 * MB
    assert server.post(body()).status == 200


def test_100_bodies_of_11_mib_at_once_are_shed_and_cost_bounded_memory(start: Start) -> None:
    # c6
    patient = {"webhook.http.protocol.READ_SECONDS": 60.0}
    server = start("--shutdown-delay", "0", changes=patient)
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


def test_too_many_reviews_at_once_are_told_to_come_again(start: Start) -> None:
    # P1 45
    server = start(
        "--shutdown-delay", "0", changes={"webhook.http.admission_port.MOST_IN_FLIGHT": 3}
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


def test_too_many_bytes_at_once_are_told_to_come_again(start: Start) -> None:
    # P1 45, c6
    server = start("--shutdown-delay", "0", changes={"webhook.http.body.MOST_BUFFERED": MB})
    content = large(3 * MB)
    with server.connect() as connection:
        connection.send(head(f"Content-Length: {len(content)}"), content[: MB - 1000])
        with server.connect() as other:
            other.send(head(f"Content-Length: {len(content)}"), content[:200_000])
            # Whichever sends the byte too many is the one to go.
            sockets = [connection.socket, other.socket]
            (refused, *_), _, _ = select.select(sockets, [], [], PATIENCE)
            answer = (connection if refused is connection.socket else other).answer()
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    in_flight(server, 0)
    assert server.post(body()).status == 200


def test_callers_that_go_away_in_the_middle_leave_nothing_behind(server: Server) -> None:
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


def test_no_review_of_a_stranger_makes_the_log_or_the_memory_grow(start: Start) -> None:
    # c50: names that no API server would send
    server = start("--shutdown-delay", "0", changes={})
    sent = [body(name="n" * MB, namespace=f"{n}" * MB, uid=str(n)) for n in range(10)]
    for content in sent:
        server.post(content)
    before = server.memory()
    for n in range(60):
        server.post(body(name="n" * MB, namespace=f"{n}-" * (MB // 2), uid=f"later {n}"))
    assert server.memory() < before + 16 * MB
    eventually(lambda: len(server.events()) == 70)
    assert max(map(len, server.lines)) < 4096


def test_the_context_of_the_tests_verifies_the_server(server: Server) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        server.connect(ssl.create_default_context())
