"""Be the first process of a node, with which the whole node ends: node_init.py FOLDER.

It runs in separate mount and process namespaces. It mounts folders below FOLDER over the places that
programs of a node write to, keeps later mounts invisible outside, and then reaps orphans. When it
ends, the kernel ends every other process of the node, containers too, and releases every mount.
"""

import os
import signal
import subprocess
import sys
import tempfile
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
"""Kernel settings that a kubelet wants. The kernel is not the node's alone, so files with these values
are mounted over the real ones."""


def mount(*words: str) -> None:
    """Run mount(8)."""
    subprocess.run(["mount", *words], check=True)


def release_disks() -> None:
    """Unmount the disks that tests have mounted below the temporary folder.

    They are in these mounts too. Each stays in use until the last of its mounts is gone, which would be
    with the node.
    """
    for line in Path("/proc/self/mounts").read_text().splitlines():
        source, place = line.split(" ")[:2]
        if source.startswith("/dev/loop") and Path(place).is_relative_to(tempfile.gettempdir()):
            subprocess.run(["umount", "--lazy", place], check=True)


def main(folder: Path) -> None:
    """Prepare the node's mounts, report that, and reap orphans for ever."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    release_disks()
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
