"""A name server on loopback that is slow or silent."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ADDRESS: Final = "127.0.0.53"
NAME: Final = "hub.test"
_A: Final = 1
_RECORD: Final = struct.pack("!HHHIH", 0xC00C, _A, 1, 60, 4) + socket.inet_aton("127.0.0.1")


@contextlib.contextmanager
def name_server(folder: Path, seconds: float | None, patience: int) -> Iterator[list[str]]:
    """Yield the words that make a command use it; it answers after *seconds*, never if None.

    *patience*: the seconds after which the resolver gives up one attempt (resolv.conf(5)).
    """
    configuration = folder / "resolv.conf"
    configuration.write_text(f"nameserver {ADDRESS}\noptions timeout:{patience} attempts:1\n")
    over = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((ADDRESS, 53))

        def answer(query: bytes, asker: tuple[str, int]) -> None:
            if seconds is None or over.wait(seconds):
                return
            question = query[12:]
            (kind,) = struct.unpack("!H", question[-4:-2])
            # For IPv6, an answer without an address: there is none.
            count = 1 if kind == _A else 0
            head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, count, 0, 0)
            with contextlib.suppress(OSError):
                server.sendto(head + question + _RECORD * count, asker)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while not over.is_set():
                    query, asker = server.recvfrom(512)
                    if len(query) > 16:
                        threading.Thread(target=answer, args=(query, asker), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        script = f'mount --bind {configuration} "$(readlink -f /etc/resolv.conf)" && exec "$@"'
        try:
            yield ["unshare", "--mount", "sh", "-c", script, "sh"]
        finally:
            over.set()
            with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as last:
                last.sendto(b"", (ADDRESS, 53))
            thread.join()
