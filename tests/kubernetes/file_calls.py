"""Record the system calls by which a pod's processes use the file system.

A read-only mount refuses writes, but leaves no trace of the attempt. So strace(1) follows the shim,
the process that starts the containers of one pod, and with it every process that they start.
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
"""Calls that change a file that is already open, perhaps only for reading."""
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
    """Whether it would change something at the path if that were allowed."""


class FileCalls:
    """The recorded calls of one pod, from now on."""

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
        """Return the calls so far that name *mount*, as containers see it, or a path below it."""
        quoted = re.compile(rf'["<]({re.escape(mount)}(?:/[^">]*)?)[">]')
        found = []
        for line in self.lines.read_text(errors="replace").splitlines():
            call, about = LINE.match(line), quoted.search(line)
            if call and about:
                opened = OPEN_TO_CHANGE.search(line) and "open" in call[1]
                found.append(Call(call[1], about[1], call[1] in CHANGING or bool(opened)))
        return found

    def stop(self) -> None:
        """Stop recording; the processes continue."""
        self.process.kill()


def _traced(task: Path) -> bool:
    try:
        return "\nTracerPid:\t0\n" not in (task / "status").read_text()
    except OSError:  # a thread that is just ending
        return True
