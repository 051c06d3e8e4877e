"""Watch an object: a thread that watches again whenever a watch ends.

It reports only that something changed. What the object is now is read afterwards, so a watch that
loses, repeats or reorders events does no harm.
"""

import random
import threading
from collections.abc import Callable
from typing import Final

from webhook.api_server.controller_client import ControllerApi
from webhook.api_server.errors import RequestFailed

SHORTEST: Final = 0.5
LONGEST: Final = 30.0
"""Seconds between two attempts that fail."""


class Watching:
    """Calls *changed* when the object *name* below *folder* changes, for ever."""

    def __init__(
        self, api: ControllerApi, folder: str, name: str, changed: Callable[[], None]
    ) -> None:
        self.live = False
        """Whether the API server has accepted the watch and not ended it."""
        self._api, self._folder, self._name, self._changed = api, folder, name, changed
        threading.Thread(target=self._run, name=f"watch {name}", daemon=True).start()

    def _run(self) -> None:
        pause, never = SHORTEST, threading.Event()
        while True:
            try:
                for _ in self._api.watch(self._folder, self._name):
                    self.live = True
                    pause = SHORTEST
                    self._changed()
            except RequestFailed:
                pause = min(LONGEST, pause * 2)
            self.live = False
            never.wait(pause * random.uniform(0.5, 1))  # noqa: S311  # spread
