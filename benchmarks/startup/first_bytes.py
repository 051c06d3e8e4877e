"""Observe when pods send their first byte: first_bytes.py ADDRESSES COUNT PORT SECONDS.

This process runs in the cluster's network. It watches the folder where the network plugin
records addresses, because a kubelet reports an address up to a second later. It sends requests
to each new address until a byte arrives. It prints "ready", then one line for each pod: the
address, and the moment of its first byte by CLOCK_MONOTONIC, which all processes share.
"""

import asyncio
import contextlib
import ipaddress
import sys
import time
from pathlib import Path

PAUSE = 0.02
ATTEMPT = 0.05
"""Seconds; an address is recorded before its interface is up, and earlier packets are lost."""
REQUEST = b"GET /v1/models HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n"


def addresses(folder: Path) -> set[str]:
    """Return the addresses that are recorded as files of *folder*."""
    found = set()
    for path in folder.iterdir() if folder.exists() else ():
        try:
            found.add(str(ipaddress.ip_address(path.name)))
        except ValueError:
            continue  # the plugin's lock, or the last address that it gave
    return found


async def first_byte(address: str, port: int) -> float:
    """Return the moment at which a server at *address* begins to answer."""
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(ATTEMPT):
                reader, writer = await asyncio.open_connection(address, port)
            with contextlib.closing(writer):
                writer.write(REQUEST)
                if await reader.read(1):
                    return time.monotonic()
        await asyncio.sleep(PAUSE)


async def report(address: str, port: int) -> None:
    """Print the moment of the first byte from *address*."""
    moment = await first_byte(address, port)
    sys.stdout.write(f"{address} {moment}\n")
    sys.stdout.flush()


async def main(folder: Path, count: int, port: int, seconds: float) -> None:
    """Wait for *count* pods that have no address yet; TimeoutError after *seconds*."""
    known = addresses(folder)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    waiting: dict[str, asyncio.Task[None]] = {}
    async with asyncio.timeout(seconds):
        while len(waiting) < count:
            for address in addresses(folder) - known - waiting.keys():
                waiting[address] = asyncio.create_task(report(address, port))
            await asyncio.sleep(PAUSE)
        await asyncio.gather(*waiting.values())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
