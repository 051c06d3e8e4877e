"""One server that tests share if they leave it as it was, and new servers for other tests."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pytest

from tests.server.harness import PairFiles, Server


class Start(Protocol):
    """Starts a server with *options*, which ends with the test."""

    def __call__(
        self,
        *options: str,
        changes: Mapping[str, Any] | None = None,
        read_log: bool = True,
        files: str = "",
        measured: bool = False,
    ) -> Server: ...


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> PairFiles:
    return PairFiles.made_in(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="session")
def server(pair: PairFiles) -> Iterator[Server]:
    """The server that tests share."""
    found = Server(pair, "--shutdown-delay", "0", "--self-check", measured=True)
    yield found
    assert found.stop() == 0


@pytest.fixture(scope="session")
def unchecked(pair: PairFiles) -> Iterator[Server]:
    """A server as most people run it: without --self-check, which decodes each body again."""
    found = Server(pair, "--shutdown-delay", "0")
    yield found
    assert found.stop() == 0


@pytest.fixture(params=["server", "unchecked"])
def either(request: pytest.FixtureRequest) -> Server:
    """Both, one after the other."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def start(pair: PairFiles) -> Iterator[Start]:
    running: list[Server] = []

    def begin(
        *options: str,
        changes: Mapping[str, Any] | None = None,
        read_log: bool = True,
        files: str = "",
        measured: bool = False,
    ) -> Server:
        found = Server(
            pair, *options, changes=changes, read_log=read_log, files=files, measured=measured
        )
        running.append(found)
        return found

    yield begin
    for found in running:
        found.stop()


@pytest.fixture(scope="module")
def slow_server(pair: PairFiles) -> Iterator[Server]:
    """A server that waits only one second for a request."""
    found = Server(
        pair,
        "--shutdown-delay",
        "0",
        changes={"webhook.server.http.protocol.READ_SECONDS": 1.0},
        measured=True,
    )
    yield found
    assert found.stop() == 0
