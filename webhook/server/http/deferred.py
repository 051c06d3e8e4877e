"""Import an application in a thread, before its first request or during it.

Importing FastAPI takes as long as importing everything else. Reviews are answered meanwhile.
"""

import asyncio
from collections.abc import Callable

from webhook.server.http.asgi import Application, Receive, Scope, Send


class Deferred:
    """The application that *make* imports and returns."""

    def __init__(self, make: Callable[[], Application]) -> None:
        self._make = make
        self._loading: asyncio.Task[Application] | None = None

    async def loaded(self) -> Application:
        """Return the application once it is imported."""
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._loading)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await (await self.loaded())(scope, receive, send)
