"""Owns a network of a cluster's own: a namespace, and the one link by which we reach it.

The namespace has no name. It lives as long as the process that holds it, and takes the
link, the pods' interfaces and all rules with it: nothing has to be cleaned up.
No packet leaves the machine: the gateway of the default route is nobody, and what is sent to it
is lost, as it is where a real gateway knows no Services.
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
"""Each cluster takes a part of it: .1 is ours, .2 the control plane's, nodes follow."""
PODS: Final = "10.88.0.0/16"
GATEWAY: Final = "10.88.0.1/16"
BRIDGE: Final = "cni0"
BRIDGE_ADDRESS: Final = "0a:58:0a:58:00:01"
"""Without one of its own a bridge takes the lowest of its pods' interfaces. It changes with them,
and pods answer to the old one, for up to ten seconds, what comes through the bridge."""
NOWHERE: Final = "10.88.255.254"
SETTINGS: Final = {
    "net/ipv4/ip_forward": "1",
    "net/bridge/bridge-nf-call-iptables": "1",  # pods reach each other through Services
    # A connection to a pod that has gone ends after one attempt to tell it: until then
    # the kernel keeps the namespace, for up to 100 s with the usual eight.
    "net/ipv4/tcp_orphan_retries": "1",
    # A connection from the port of one that a pod which has gone did not answer is led to that pod
    # too, for 120 s. Tests that make fifty a second come to that port again sooner than that.
    "net/netfilter/nf_conntrack_tcp_timeout_syn_sent": "10",
    "net/netfilter/nf_conntrack_tcp_timeout_fin_wait": "10",
}
"""Of the kernel, for the namespace alone."""


class NetworkNamespace:
    """A Host whose programs share a network that no other process of this machine sees."""

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
        self._ports = itertools.count(20000)  # below those of Services and of connections
        self._configure()

    def _link(self, holder: Process) -> Path:
        try:
            return self.path.readlink()
        except OSError:  # a process that is just ending
            return Path("/proc/self/ns/net").readlink()

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs *argv* in the namespace, in the same process."""
        return ["nsenter", f"--net={self.path}", "--", *argv]

    def free_port(self) -> int:
        """Return a port that was not given yet: nobody else is there."""
        return next(self._ports)

    def add_address(self) -> str:
        """Return one more address of the namespace, for a node."""
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
                # Services need a route before they are. A neighbour that is asked for and does
                # not answer would end connections by itself, after three seconds or more.
                f"neigh add {NOWHERE} lladdr 0a:58:0a:58:ff:fe nud permanent dev {BRIDGE}",
                f"route add default via {NOWHERE} dev {BRIDGE}",
            ],
        )
        for setting, value in SETTINGS.items():
            if Path("/proc/sys", setting).exists():
                command = self.command(["tee", f"/proc/sys/{setting}"])
                subprocess.run(command, input=value, text=True, capture_output=True, check=True)


def ip(*command: str, lines: Sequence[str]) -> None:
    """Run `ip` for *lines*, behind the words of *command*."""
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
    """Link us to the network of *pid* by an interface whose number no other cluster has."""
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
        if "File exists" not in done.stderr:  # else another cluster was faster
            raise FailedError(f"ip link add: {done.stderr.strip()}")
    raise FailedError(f"no part of {LINKS} is free")


def _in_use(part: ipaddress.IPv4Network) -> bool:
    listed = subprocess.run(["ip", "-json", "-4", "route"], capture_output=True, check=True)
    routes = [route["dst"] for route in json.loads(listed.stdout) if route["dst"] != "default"]
    return any(part.overlaps(ipaddress.ip_network(route)) for route in routes)


def links() -> dict[int, str]:
    """Return index → name of our interfaces; an index, unlike a name, is given only once."""
    listed = subprocess.run(["ip", "-json", "link"], capture_output=True, check=True)
    return {link["ifindex"]: link["ifname"] for link in json.loads(listed.stdout)}


def wait_until_gone(index: int, seconds: float = 60) -> None:
    """Return once the kernel has taken a link away, which it does soon after its end."""
    deadline = time.monotonic() + seconds
    while index in links():
        if time.monotonic() > deadline:
            raise FailedError(f"interface {index} stays")
        time.sleep(0.02)
