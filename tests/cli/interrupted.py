"""Interrupt a command at an exact step instead of at a time.

Run as a program: EVENT PLACE MOMENT SIGNAL ARGUMENT .... The command sends itself the signal before
it does EVENT (of sys.addaudithook, such as os.rename) in PLACE for the MOMENT-th time.
"""

import os
import sys
from typing import Any

from webhook.cli.app import main


class Moments:
    """Counts the events of the command in a place."""

    def __init__(self, event: str, place: str, moment: int, number: int) -> None:
        self.event, self.place, self.moment, self.number = event, place, moment, number
        self.seen = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take one event of sys.addaudithook."""
        if event == self.event and any(str(a).startswith(self.place) for a in arguments):
            self.seen += 1
            if self.seen == self.moment:
                os.kill(os.getpid(), self.number)


if __name__ == "__main__":
    sys.addaudithook(Moments(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    sys.argv[1:] = sys.argv[5:]
    main()
