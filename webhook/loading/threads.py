"""Call functions in threads that nobody has to wait for.

Python waits at exit for the threads of a ThreadPoolExecutor, however long their connection is
silent.
"""

import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")


def started(
    function: Callable[[Item], Found], items: Iterable[Item], most: int = 1
) -> list[Future[Found]]:
    """Call *function* for each item, *most* at the same time; return their results to come."""
    waiting: queue.SimpleQueue[tuple[Future[Found], Item]] = queue.SimpleQueue()
    futures: list[Future[Found]] = []
    for item in items:
        futures.append(Future())
        waiting.put((futures[-1], item))

    def work() -> None:
        while True:
            try:
                future, item = waiting.get_nowait()
            except queue.Empty:
                return
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(item))
                except BaseException as error:  # it is raised where the result is read
                    future.set_exception(error)

    for _ in range(min(most, len(futures))):
        threading.Thread(target=work, daemon=True).start()
    return futures
