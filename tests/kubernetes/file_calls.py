"""Owns the record of what a pod's processes ask of the file system.

A mount that is read-only refuses to be written to, but leaves no sign of it. So strace(1)
follows the process of the node that starts the containers of one pod, its shim, and with
it every process that any container ever starts.
"""

import dataclasses
import re
from pathlib import Path
from typing import Final

from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.hosts import Loopback

BY_DESCRIPTOR: Final = (
    "fallocate", "fchmod", "fchown", "fremovexattr", "fsetxattr", "ftruncate",
)  # fmt: skip
"""Calls that change a file which is open already, for reading perhaps."""
CHANGING: Final = {
    *BY_DESCRIPTOR,
    "chmod", "chown", "creat", "fchmodat", "fchmodat2", "fchownat", "futimesat", "lchown", "link",
    "linkat", "lremovexattr", "lsetxattr", "mkdir", "mkdirat", "mknod", "mknodat", "removexattr",
    "rename", "renameat", "renameat2", "rmdir", "setxattr", "symlink", "symlinkat", "truncate",
    "unlink", "unlinkat", "utime", "utimensat", "utimes",
}  # fmt: skip
OPEN_TO_CHANGE: Final = re.compile(r"\bO_(WRONLY|RDWR|CREAT|TRUNC|TMPFILE|APPEND)\b")
LINE: Final = re.compile(r"\d+ +(\w+)\((.*)")


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A system call that names a path, whether it succeeded or not."""

    name: str
    path: str
    changes: bool
    """Whether it would change something at the path, were that allowed."""


class FileCalls:
    """What is recorded of one pod, from now on."""

    def __init__(self, cluster: Cluster, pod: Object) -> None:
        processes = cluster.node_of(pod).pod_cgroup(pod).processes()
        status = Path(f"/proc/{processes[0]}/status").read_text()
        (shim,) = re.findall(r"^PPid:\t(\d+)$", status, re.MULTILINE)
        self.lines = cluster.run.folder / f"{pod['metadata']['uid']}.strace"
        traced = ",".join(("%file", *BY_DESCRIPTOR))
        words: list[str | Path] = ["strace", "-f", "-y", "-qq", "-e", f"trace={traced}"]
        words += ["-e", "signal=none", "-o", self.lines, "-p", shim]
        self.process = cluster.run.start(Loopback(), f"strace-{shim}", words)
        tasks = Path(f"/proc/{shim}/task")
        self.process.wait_until(lambda: all(_traced(task) for task in tasks.iterdir()))

    def below(self, mount: str) -> list[Call]:
        """Return the calls so far about *mount*, as containers see it, and what is below it."""
        quoted = re.compile(rf'["<]({re.escape(mount)}(?:/[^">]*)?)[">]')
        found = []
        for line in self.lines.read_text(errors="replace").splitlines():
            call, about = LINE.match(line), quoted.search(line)
            if call and about:
                opened = OPEN_TO_CHANGE.search(line) and "open" in call[1]
                found.append(Call(call[1], about[1], call[1] in CHANGING or bool(opened)))
        return found

    def stop(self) -> None:
        """Let the processes go on unseen."""
        self.process.kill()


def _traced(task: Path) -> bool:
    try:
        return "\nTracerPid:\t0\n" not in (task / "status").read_text()
    except OSError:  # a thread that is just ending
        return True
