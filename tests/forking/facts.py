"""Print what a process is given and can see of itself: python -m tests.forking.facts FILE ...

They are written into FILE too, unless it is empty."""

import json
import locale
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any


def stream(found: Any) -> dict[str, Any]:
    raw = getattr(found.buffer, "raw", found.buffer)
    return {
        "text": repr(found), "number": found.fileno(), "errors": found.errors,
        "lines": found.line_buffering, "through": found.write_through, "binary": repr(found.buffer),
        "raw": repr(raw), "terminal": found.isatty(), "seekable": found.seekable(),
        "newline": found.newlines,
    }  # fmt: skip


def main() -> None:
    facts = {
        "words": sys.argv, "as started": sys.orig_argv, "path": sys.path, "flags": repr(sys.flags),
        "name": __name__, "encoding": locale.getpreferredencoding(), "umask": os.umask(0),
        "directory": str(Path.cwd()), "environment": dict(os.environ), "parent": os.getppid(),
        "group": os.getpgrp(), "session": os.getsid(0), "nice": os.nice(0),
        "signals": {str(n): str(signal.getsignal(n)) for n in signal.valid_signals()},
        "blocked": [str(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
        "limits": [resource.getrlimit(n) for n in range(16)],  # <bits/resource.h>
        "files": sorted(p.name for p in Path("/proc/self/fd").iterdir()), "warnings": sys.warnoptions,
        "streams": [stream(found) for found in (sys.stdin, sys.stdout, sys.stderr)],
        "first streams": [s is f for s, f in ((sys.stdin, sys.__stdin__), (sys.stdout, sys.__stdout__))],
        "given": None if sys.stdin.isatty() else sys.stdin.read(),
    }  # fmt: skip
    text = json.dumps(facts)
    if sys.argv[1]:
        Path(sys.argv[1]).write_text(text)
    print(text)


if __name__ == "__main__":
    main()
