"""Run the webhook with its controller in a thread instead of a process, for comparison."""

import threading

from webhook.cli.app import main
from webhook.controller.__main__ import Controller
from webhook.controller.messages import Message
from webhook.server.controller_process import ControllerProcess


async def _run(self: ControllerProcess) -> None:
    import asyncio  # noqa: PLC0415

    loop = asyncio.get_running_loop()

    def send(message: Message) -> None:
        loop.call_soon_threadsafe(self._take, message)

    def work() -> None:
        Controller(self._options, send).run()

    threading.Thread(target=work, daemon=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    ControllerProcess.run = _run  # type: ignore[method-assign]
    main()
