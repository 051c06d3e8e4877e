"""Run the command modelcache with some of its constants and functions replaced.

python -m tests.server.patched '{"webhook.server.http.protocol.READ_SECONDS": 1}' serve …

A value {"raises": TEXT} stands for a function that raises; {"operations": […]} for one
that decides on that patch; {"slow": SECONDS} for the same function, later.
"""

import importlib
import json
import sys
import time
from typing import Any

from webhook.admission.decision import Mutate
from webhook.cli import app


def replacement(value: Any, original: Any) -> Any:
    """Return what *value* stands for."""
    match value:
        case {"raises": text}:

            def raises(*_: Any, **__: Any) -> Any:
                raise RuntimeError(text)

            return raises
        case {"operations": operations}:
            return lambda *_, **__: Mutate(operations=tuple(operations), strategy="pvc")
        case {"slow": seconds}:

            def slow(*args: Any, **named: Any) -> Any:
                time.sleep(seconds)
                return original(*args, **named)

            return slow
        case _:
            return value


def main() -> None:
    """Replace, then run."""
    for path, value in json.loads(sys.argv.pop(1)).items():
        module_name, _, name = path.rpartition(".")
        module = importlib.import_module(module_name)
        setattr(module, name, replacement(value, getattr(module, name)))
    app.main()


if __name__ == "__main__":
    main()
