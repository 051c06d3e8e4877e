"""Run a program that must not outlive its parent: guard.py PARENT PROGRAM ARGS….

The kernel kills this process when its parent ends for any reason (prctl(2), PR_SET_PDEATHSIG). Then
the program replaces this process and keeps its id. This is a program, and not a function that runs
after a fork, because Python code after a fork is unsafe if the parent has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, program: list[str]) -> None:
    """Become *program*, unless *parent* has already ended."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit(f"{program[0]}: the parent has ended")
    os.execv(program[0], program)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
