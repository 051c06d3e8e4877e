"""Run the controller: look when something changed, when it is time, and again after a failure.

Options come in on standard input, messages go out on standard output. The process ends when its
input ends, because then the server has ended.
"""

import os
import random
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

import msgspec

from webhook.api_server.controller_client import ControllerApi
from webhook.api_server.errors import Conflict, Unreachable
from webhook.api_server.watching import Watching
from webhook.controller.clock import Clock
from webhook.controller.installation import binding, configuration, secret
from webhook.controller.installation.reconciler import LookAgain, Reconciler
from webhook.controller.knowledge import Knowledge
from webhook.controller.messages import Event, Message, State, Topic
from webhook.controller.options import Options

PERIOD: Final = 10.0
"""Seconds between two looks while all watches report changes."""
SHORT_PERIOD: Final = 3.0
"""Seconds between two looks while a watch is broken, or while something is awaited."""
LOOKS: Final = 1 / 20
"""Share of an authority's life between two looks, so that a renewal is never late."""
TICK: Final = 1.0
"""Seconds between two looks at the clock, which somebody may have set."""
LONGEST: Final = 30.0
"""Seconds between two attempts that fail."""
HURRY: Final = 0.1
"""Half of the pause after the first failure, in seconds. Each further failure doubles it."""


def main() -> None:
    """Run until standard input ends."""
    options = msgspec.json.decode(sys.stdin.buffer.readline(), type=Options)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    out = threading.Lock()

    def send(message: Message) -> None:
        with out:
            sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
            sys.stdout.buffer.flush()

    try:
        Controller(options, send).run()
    except Unreachable as error:
        missing = {"certificate": str(error)} if options.secret else {}
        send(State(missing, {"api-server": str(error)}))
        raise SystemExit(1) from None
    except BrokenPipeError:
        os._exit(0)


class Controller:
    """Decides when to look at the installation."""

    def __init__(self, options: Options, send: Callable[[Message], None]) -> None:
        clock = Clock()
        api = ControllerApi(clock.heard)
        self._life = options.authority_seconds
        self._send = send
        self._changed, self._never = threading.Event(), threading.Event()
        self._knowledge = Knowledge(api, options, send) if options.facts else None
        others = self._knowledge.concerns if self._knowledge else dict[Topic, str]
        self._reconciler = Reconciler(api, clock, options, send, others)
        watched = [(configuration.FOLDER, options.configuration)]
        watched += [(binding.FOLDER, name) for name in options.bindings]
        if options.secret:
            watched.append((secret.folder(options.namespace), options.secret))
        self._watches = [Watching(api, folder, name, self._changed.set) for folder, name in watched]

    def run(self) -> None:
        """Never return."""
        if self._knowledge:
            self._knowledge.start()
        due, failures = 0.0, 0
        while True:
            pause = min(TICK, max(0.0, due - time.monotonic()))
            # After a failure, changes are ignored until the pause is over.
            (self._never if failures else self._changed).wait(pause)
            self._reconciler.keep_leaf()
            if time.monotonic() < due and (failures or not self._changed.is_set()):
                continue
            self._changed.clear()
            done = self._look()
            failures = 0 if done else min(failures + 1, 20)
            pause = done or min(LONGEST, HURRY * 2**failures)
            due = time.monotonic() + pause * random.uniform(0.75, 1)  # noqa: S311  # spread

    def _look(self) -> float | None:
        """Return the seconds until the next look; None after a failure."""
        try:
            self._reconciler.look()
        except (Conflict, LookAgain):
            return None
        except Unreachable as error:
            self._reconciler.unreachable(error)
            return None
        except Exception as error:  # a bug of ours must not stop the renewal of certificates
            self._send(Event("fault", "warning", {"type": type(error).__name__}))
            return None
        watched = all(watch.live for watch in self._watches)
        period = PERIOD if watched and not self._reconciler.waiting else SHORT_PERIOD
        return min(period, self._life * LOOKS)


def _end_with_the_server() -> None:
    while sys.stdin.buffer.read(2**16):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
