"""Owns the interface of a place where programs run: how one is started, where it listens.

This module has one such place, this machine's loopback. network_namespace.py and node.py have
others.
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
        """The address at which programs listen and are reached."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command, run on this machine, that starts *argv* there."""

    def free_port(self) -> int:
        """Return a TCP port on which no program listens at the address."""


@dataclasses.dataclass(slots=True)
class Loopback:
    """This machine's loopback interface, which nothing outside can reach."""

    address: str = "127.0.0.1"
    given: set[int] = dataclasses.field(default_factory=set)

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return *argv* unchanged."""
        return list(argv)

    def free_port(self) -> int:
        """Return a port below the range that the kernel uses for outgoing connections."""
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
