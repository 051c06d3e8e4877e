"""Send raw bytes to the admission port, and read the answers."""

import contextlib
import json
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The body as JSON."""
        found: Json = json.loads(self.body)
        return found

    @property
    def response(self) -> Json:
        """The response of an AdmissionReview."""
        found: Json = self.json["response"]
        return found


class Connection:
    """A raw connection to the admission port; it reads answers one by one."""

    def __init__(self, raw: socket.socket) -> None:
        self.socket = raw
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *parts: bytes) -> None:
        """Send each of *parts* in a separate TLS record."""
        for part in parts:
            self.socket.sendall(part)

    def answer(self, *, head_only: bool = False) -> Answer:
        """Return the next answer; EOFError if the connection ends before."""
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)
        }
        status = int(first.split()[1])
        length = 0 if head_only or status < 200 else int(headers["content-length"])
        while len(self._rest) < length:
            self._more()
        content, self._rest = self._rest[:length], self._rest[length:]
        return Answer(status, headers, content)

    def ended(self, seconds: float) -> bool:
        """Whether the server closes the connection within *seconds*, sending nothing more."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def _more(self) -> None:
        if not (data := self.socket.recv(65536)):
            raise EOFError(self._rest)
        self._rest += data


def request(
    content: bytes,
    *headers: str,
    path: str = "/mutate",
    method: str = "POST",
    kind: str = "application/json",
) -> bytes:
    """Return a complete request, as the API server writes it."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        *([f"Content-Type: {kind}"] if kind else []),
        f"Content-Length: {len(content)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def head(*lines: str, path: str = "/mutate", kind: str = "application/json") -> bytes:
    """Return the head of a request with *lines*, and no length."""
    first = (f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}")
    return "\r\n".join((*first, *lines)).encode() + b"\r\n\r\n"


def sent_until_closed(connection: Connection, parts: Iterable[bytes], pause: float = 0) -> int:
    """Send *parts* until the server closes; return how many were sent."""
    number = 0
    with contextlib.suppress(OSError):
        for part in parts:
            connection.send(part)
            number += 1
            time.sleep(pause)
    return number
