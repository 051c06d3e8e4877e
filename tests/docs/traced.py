"""Run the webhook, and note which of its modules the first connection visits, in order.

    python tests/docs/traced.py FILE serve …

A visit is a call of a function of the module. Visits of other threads are not noted.
"""

import sys
from pathlib import Path
from types import FrameType

import webhook.server.process  # noqa: F401  # imported here, for a traced import is slow
from webhook.cli import main

FILE = Path(sys.argv.pop(1))


def trace() -> None:
    """Begin with the first connection that is accepted."""
    seen: list[str] = []

    def visit(frame: FrameType, event: str, _: object) -> None:
        module = str(frame.f_globals.get("__name__"))
        if event != "call" or not module.startswith("webhook.") or module in seen:
            return
        if seen or (module, frame.f_code.co_name) == ("webhook.server.http.accept", "_accept"):
            seen.append(module)
            FILE.write_text("\n".join(seen))

    sys.setprofile(visit)


if __name__ == "__main__":
    trace()
    main()
