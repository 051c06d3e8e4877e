"""Run a Hub: python -m tests.hub --folder DIR --address 127.0.0.1 --port 0.

It prints one line, its address. SIGTERM ends it, with status 1 if it failed to answer a request.
Commits stay in the folder.
"""

import argparse
import signal
import sys
from pathlib import Path

from tests.hub.server import Site


def main() -> None:
    """Serve until a signal arrives."""
    words = argparse.ArgumentParser(prog="python -m tests.hub", description=__doc__)
    words.add_argument("--folder", type=Path, required=True, help="the repositories")
    words.add_argument("--address", default="127.0.0.1")
    words.add_argument("--port", type=int, default=0, help="0: a free port")
    words.add_argument("--cdn-port", type=int, default=0, help="the same, for the CDN")
    words.add_argument("--xet", action="store_true", help="offer large files by Xet too")
    given = words.parse_args()
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before threads start, which could get them
    try:
        site = Site(given.folder, given.address, given.port, given.cdn_port, xet=given.xet)
    except (OSError, OverflowError, ValueError) as error:
        sys.exit(f"tests.hub: {given.folder} on {given.address}:{given.port}: {error}")
    site.start()
    print(site.url, flush=True)
    signal.sigwait(ends)
    site.stopping.set()
    sys.exit(site.failed.is_set())


if __name__ == "__main__":
    main()
