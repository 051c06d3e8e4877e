"""The first process of a node: node_init.py FOLDER. Its end is the end of the whole node.

It runs in mount and process namespaces of its own. There it covers what programs of a
node write to with places below FOLDER, makes further mounts visible to its own children
alone, and then reaps orphans. When it ends, the kernel ends every other process of the
node, containers included, and releases every mount.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

COVERED = ("/var/lib", "/var/log")
SETTINGS = {
    "kernel/keys/root_maxbytes": 25000000,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
}
"""What a kubelet sets in the kernel, which here belongs to others too: it finds it set."""


def mount(*words: str) -> None:
    """Mount as mount(8) does."""
    subprocess.run(["mount", *words], check=True)


def main(folder: Path) -> None:
    """Prepare the node's mounts, say so, and reap for ever."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for name, value in SETTINGS.items():
        file = folder / "sys" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
        mount("--bind", str(file), f"/proc/sys/{name}")
    for place in COVERED:
        own = folder / place.lstrip("/")
        own.mkdir(parents=True, exist_ok=True)
        mount("--bind", str(own), place)
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    mount("--make-rshared", "/")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        signal.sigwait({signal.SIGCHLD})
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            continue


if __name__ == "__main__":
    main(Path(sys.argv[1]))
