"""Owns the network of a cluster: a namespace, and the link by which this machine reaches it.

The namespace has no name. It ends with the process that holds it. The link, the pods' interfaces
and all rules end with it, so nothing has to be cleaned up. No packet leaves the machine: the default
route has a gateway that does not exist, and what is sent there is lost, as with a real gateway that
knows no Services.
"""

import ipaddress
import itertools
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.kubernetes.hosts import Loopback
from tests.kubernetes.processes import FailedError, Process, Run

LINKS: Final = ipaddress.IPv4Network("10.99.0.0/16")
"""Each cluster takes a part of it: .1 is this machine, .2 the control plane, then the nodes."""
PODS: Final = "10.88.0.0/16"
GATEWAY: Final = "10.88.0.1/16"
BRIDGE: Final = "cni0"
BRIDGE_ADDRESS: Final = "0a:58:0a:58:00:01"
"""The bridge's MAC address. Without one it takes the lowest of its pods' interfaces, which changes
with them; for up to ten seconds pods then still send to the old address."""
NOWHERE: Final = "10.88.255.254"
SETTINGS: Final = {
    "net/ipv4/ip_forward": "1",
    "net/bridge/bridge-nf-call-iptables": "1",  # pods reach each other through Services
    # A connection to a pod that no longer exists ends after one retry. With the default of eight
    # retries the kernel would keep the namespace for up to 100 s.
    "net/ipv4/tcp_orphan_retries": "1",
    # conntrack remembers for 120 s that a source port was led to a pod, also if the pod is gone and
    # never answered. Tests that open fifty connections a second use the port again before that.
    "net/netfilter/nf_conntrack_tcp_timeout_syn_sent": "10",
    "net/netfilter/nf_conntrack_tcp_timeout_fin_wait": "10",
}
"""Settings of the kernel, for this namespace alone."""


class NetworkNamespace:
    """A Host whose programs share a network that no other process of this machine can see."""

    def __init__(self, run: Run) -> None:
        holder = run.start(Loopback(), "network", ["unshare", "--net", "sleep", "infinity"])
        self.path = Path(f"/proc/{holder.popen.pid}/ns/net")
        ours = Path("/proc/self/ns/net").readlink()
        holder.wait_until(lambda: self._link(holder) != ours)
        self.link, addresses = _connect(holder.popen.pid)
        self.outside = str(next(addresses))
        self.address = str(next(addresses))
        self.link_index = socket.if_nametoindex(self.link)
        self._addresses = addresses
        self._ports = itertools.count(
            20000
        )  # below the ports of Services and of outgoing connections
        self._configure()

    def _link(self, holder: Process) -> Path:
        try:
            return self.path.readlink()
        except OSError:  # the process is about to end
            return Path("/proc/self/ns/net").readlink()

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs *argv* in the namespace, in the same process."""
        return ["nsenter", f"--net={self.path}", "--", *argv]

    def free_port(self) -> int:
        """Return a port that was not handed out before; no one else uses this network."""
        return next(self._ports)

    def add_address(self) -> str:
        """Add an address to the namespace, for a node; return it."""
        address = str(next(self._addresses))
        ip(*self.command([]), lines=[f"address add {address}/28 dev eth0"])
        return address

    def _configure(self) -> None:
        ip(lines=[f"address add {self.outside}/28 dev {self.link}", f"link set {self.link} up"])
        ip(
            *self.command([]),
            lines=[
                "link set lo up",
                f"address add {self.address}/28 dev eth0",
                "link set eth0 up",
                f"link add {BRIDGE} address {BRIDGE_ADDRESS} type bridge",
                f"address add {GATEWAY} dev {BRIDGE}",
                f"link set {BRIDGE} up",
                # A connection to a Service needs a route even before kube-proxy has rules for it. If
                # the gateway had no known MAC address, the connection would fail by itself, after
                # three seconds or more.
                f"neigh add {NOWHERE} lladdr 0a:58:0a:58:ff:fe nud permanent dev {BRIDGE}",
                f"route add default via {NOWHERE} dev {BRIDGE}",
            ],
        )
        for setting, value in SETTINGS.items():
            if Path("/proc/sys", setting).exists():
                command = self.command(["tee", f"/proc/sys/{setting}"])
                subprocess.run(command, input=value, text=True, capture_output=True, check=True)


def ip(*command: str, lines: Sequence[str]) -> None:
    """Run `ip` with *lines* as its batch, prefixed by *command*."""
    done = subprocess.run(
        [*command, "ip", "-batch", "-"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FailedError(f"ip: {done.stderr.strip()}")


def _connect(pid: int) -> tuple[str, Iterator[ipaddress.IPv4Address]]:
    """Link this machine to the network of *pid*, with addresses that no other cluster has."""
    for number, part in enumerate(LINKS.subnets(new_prefix=28)):
        link = f"modelcache{number}"
        if Path("/sys/class/net", link).exists() or _in_use(part):
            continue
        peer = ["peer", "name", "eth0", "netns", str(pid)]
        done = subprocess.run(
            ["ip", "link", "add", link, "type", "veth", *peer],
            capture_output=True,
            text=True,
            check=False,
        )
        if not done.returncode:
            return link, iter(list(part.hosts()))
        if "File exists" not in done.stderr:  # otherwise another cluster took the number first
            raise FailedError(f"ip link add: {done.stderr.strip()}")
    raise FailedError(f"no part of {LINKS} is free")


def _in_use(part: ipaddress.IPv4Network) -> bool:
    listed = subprocess.run(["ip", "-json", "-4", "route"], capture_output=True, check=True)
    routes = [route["dst"] for route in json.loads(listed.stdout) if route["dst"] != "default"]
    return any(part.overlaps(ipaddress.ip_network(route)) for route in routes)


def links() -> dict[int, str]:
    """Return index → name of this machine's interfaces. Unlike a name, an index is never used again."""
    listed = subprocess.run(["ip", "-json", "link"], capture_output=True, check=True)
    return {link["ifindex"]: link["ifname"] for link in json.loads(listed.stdout)}


def wait_until_gone(index: int, seconds: float = 60) -> None:
    """Return once the kernel has removed a link, which it does soon after the namespace ends."""
    deadline = time.monotonic() + seconds
    while index in links():
        if time.monotonic() > deadline:
            raise FailedError(f"interface {index} stays")
        time.sleep(0.02)
