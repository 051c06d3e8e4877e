"""Runs a program that must not outlive the one which started it: guard.py PARENT PROGRAM ARGS….

The kernel is asked to kill this process when its parent ends, however that ends; the
program then takes this process's place, with the same id. It is a program of its own
because a fork that runs Python code is unsafe where the parent has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, program: list[str]) -> None:
    """Become *program*, unless *parent* has gone already."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit(f"{program[0]}: the parent has ended")
    os.execv(program[0], program)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
