"""Owns the hub: an HTTP file server behind one link of limited rate, which all pods share.

The hub is a network of its own, linked to the cluster's by a pair of interfaces. The kernel
limits the rate of everything that leaves it (tc-tbf(8)), for all pods together.
"""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.kubernetes.hosts import Loopback
from tests.kubernetes.network_namespace import NetworkNamespace, ip
from tests.kubernetes.packages import BUSYBOX, PATH
from tests.kubernetes.processes import FailedError, Run

RATE: Final = 16_000_000_000 / 300
"""Bytes of files per second, for all pods together: the article's 16 GB in five minutes."""
FRAME: Final = 1514
PAYLOAD: Final = 1448
"""Bytes of data in a full frame, without headers of Ethernet, IP and TCP with timestamps."""
BURST: Final = "256kb"
"""The burst that may leave at once: the kernel passes packets of up to 64 KiB."""
WAIT: Final = "50ms"
"""How long a packet may be queued. After that it is dropped, and TCP slows down."""
GATEWAY: Final = "10.77.0.1"
ADDRESS: Final = "10.77.0.2"
"""Only the two networks know these addresses: several clusters can have them."""
PORT: Final = 80
INTERFACE: Final = "hub"


def bits_on_the_wire(rate: float) -> int:
    """Return the bits of frames per second that carry *rate* bytes of files."""
    return round(rate * 8 * FRAME / PAYLOAD)


class Hub:
    """Serves the files below *folder* to the pods of a cluster, as a Host of *run*."""

    address = ADDRESS
    url = f"http://{ADDRESS}:{PORT}"

    def __init__(
        self, run: Run, cluster: NetworkNamespace, folder: Path, rate: float = RATE
    ) -> None:
        self.rate = rate
        self._cluster = cluster
        holder = run.start(Loopback(), "hub-network", ["unshare", "--net", "sleep", "infinity"])
        ours = _network("self")
        holder.wait_until(lambda: _network(holder.popen.pid) not in {ours, ""})
        self._path = f"/proc/{holder.popen.pid}/ns/net"
        self._connect(holder.popen.pid)
        words: list[str | Path] = [BUSYBOX, "httpd", "-f", "-p", f"{ADDRESS}:{PORT}", "-h", folder]
        self._server = run.start(self, "hub", words)
        self._server.wait_until(self._listens)

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs *argv* in the hub's network."""
        return ["nsenter", f"--net={self._path}", "--", *argv]

    def free_port(self) -> int:
        """Return the only port."""
        return PORT

    def _connect(self, pid: int) -> None:
        ip(
            *self._cluster.command([]),
            lines=[
                f"link add {INTERFACE} type veth peer name eth0 netns {pid}",
                f"address add {GATEWAY}/30 dev {INTERFACE}",
                f"link set {INTERFACE} up",
            ],
        )
        ip(
            *self.command([]),
            lines=[
                "link set lo up",
                f"address add {ADDRESS}/30 dev eth0",
                "link set eth0 up",
                f"route add default via {GATEWAY}",
            ],
        )
        limit = ["rate", f"{bits_on_the_wire(self.rate)}bit", "burst", BURST, "latency", WAIT]
        command = self.command(["tc", "qdisc", "add", "dev", "eth0", "root", "tbf", *limit])
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={"PATH": PATH}
        )
        if done.returncode:
            raise FailedError(f"tc: {done.stderr.strip()}")

    def _listens(self) -> bool:
        words = self.command([str(BUSYBOX), "nc", "-w", "1", ADDRESS, str(PORT)])
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return not done.returncode

    def carried(self, url: str, size: int) -> float:
        """Return the bytes a second at which the cluster's network gets a file of *size* bytes."""
        words = self._cluster.command([str(BUSYBOX), "wget", "-q", "-O", "/dev/null", url])
        began = time.monotonic()
        subprocess.run(words, check=True)
        return size / (time.monotonic() - began)


def _network(process: int | str) -> str:
    """Return the network of a process; nothing if it has ended."""
    try:
        return str(Path(f"/proc/{process}/ns/net").readlink())
    except OSError:
        return ""
