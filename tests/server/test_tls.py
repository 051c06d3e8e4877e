"""TLS: which clients are served, and bytes that are not TLS."""

import select
import socket
import ssl
import time

import pytest

from tests.server.connection import request
from tests.server.harness import HOST, Server
from tests.server.reviews import body

WHOLE = request(body())


@pytest.mark.parametrize(
    "sent",
    [WHOLE, bytes(range(256)) * 8, b"", b"\x16\x03\x01", b"\x16\x03\x01\x40\x00" + b"x" * 99],
)
def test_a_connection_that_is_not_tls_is_closed_and_others_are_served(
    server: Server, sent: bytes
) -> None:
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
def test_tls_1_2_and_1_3_are_served_and_older_versions_are_not(
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


def test_the_context_of_the_tests_verifies_the_server(server: Server) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        server.connect(ssl.create_default_context())
