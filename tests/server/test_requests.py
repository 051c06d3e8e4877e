"""Requests with another media type, method or path than a review."""

import pytest

from tests.server.harness import Server
from tests.server.reviews import body


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
def test_a_compressed_body_is_not_read(server: Server, coding: str, status: int) -> None:
    # P1 41
    assert server.post(body(), content_encoding=coding).status == status


@pytest.mark.parametrize("path", ["/mutate", "/mutate-workload"])
@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_refused_and_the_answer_names_the_right_one(
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
