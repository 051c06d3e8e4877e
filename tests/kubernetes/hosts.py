"""Owns the notion of a place where a program runs: how it is started, where it listens.

One place stands here, this machine's loopback; network_namespace.py has another, and a
node (node.py) is a third.
"""

import dataclasses
import random
import socket
from collections.abc import Sequence
from typing import Protocol


class Host(Protocol):
    """Where programs run and how they are reached."""

    @property
    def address(self) -> str:
        """The address at which programs listen, and under which others reach them."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command, run on this machine, that starts *argv* there."""

    def free_port(self) -> int:
        """Return a TCP port on which nobody listens at the address."""


@dataclasses.dataclass(slots=True)
class Loopback:
    """This machine's loopback interface; nothing is reachable from outside."""

    address: str = "127.0.0.1"
    given: set[int] = dataclasses.field(default_factory=set)

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return *argv* as it is."""
        return list(argv)

    def free_port(self) -> int:
        """Return a port below those that the kernel gives to outgoing connections."""
        while True:
            port = random.randrange(20000, 32000)
            if port in self.given:
                continue
            with socket.socket() as probe:
                try:
                    probe.bind((self.address, port))
                except OSError:
                    continue
            self.given.add(port)
            return port
