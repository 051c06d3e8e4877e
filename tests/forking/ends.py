"""End in one of the ways in which a process can end: python -m tests.forking.ends WAY."""

import atexit
import os
import signal
import sys
import threading
import time


def later() -> None:
    time.sleep(0.1)
    print("a thread is waited for")


def main(way: str) -> None:
    atexit.register(print, "at its exit")
    print("begun")
    match way:
        case "a number":
            sys.exit(3)
        case "a large number":
            sys.exit(256 + 7)
        case "a text":
            sys.exit("a text")
        case "nothing":
            sys.exit(None)
        case "an exception":
            raise ValueError("an exception")
        case "an interrupt":
            raise KeyboardInterrupt
        case "a signal":
            os.kill(os.getpid(), signal.SIGTERM)
        case "a thread":
            threading.Thread(target=later).start()
        case "a full disk":
            os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
            print("never written")
        case "sleep":
            print(flush=True)
            time.sleep(60)
        case _:
            pass


if __name__ == "__main__":
    main(sys.argv[1])
