"""Find what a cluster has left on the machine: processes, mounts, groups, links, folders."""

import dataclasses
import os
import time
from pathlib import Path

from tests.kubernetes import cgroups
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.network_namespace import links


@dataclasses.dataclass(frozen=True, slots=True)
class Traces:
    """The marks of a cluster, by which its remains are recognised after it has ended."""

    folder: str
    group: str
    link: int
    namespaces: tuple[str, ...]
    """As /proc shows them, such as `mnt:[4026532193]`."""
    taken: int = 0
    """When the marks were taken, in clock ticks since boot."""

    @classmethod
    def of(cls, cluster: Cluster) -> "Traces":
        """Return the marks of *cluster*, which must be running."""
        pids = [node.pid for node in cluster.nodes]
        found = [f"/proc/{pid}/ns/{kind}" for pid in pids for kind in ("mnt", "pid", "net")]
        found.append(str(cluster.network.path))
        folder = cluster.run.folder
        return cls(
            folder=str(folder),
            group=(folder / "cgroup").read_text(),
            link=cluster.network.link_index,
            namespaces=tuple(sorted({str(Path(path).readlink()) for path in found})),
            taken=int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")),
        )

    def processes(self) -> list[str]:
        """Return the command lines of processes in its namespaces, groups or folder."""
        return [line for pid in Path("/proc").glob("[0-9]*") if (line := self._owned(pid))]

    def _owned(self, process: Path) -> str:
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            groups = (process / "cgroup").read_text()
            started = int((process / "stat").read_text().rpartition(")")[2].split()[19])
            inside = {str((process / "ns" / kind).readlink()) for kind in ("mnt", "pid", "net")}
        except OSError:  # it has ended in the meantime; a zombie has no namespaces
            return ""
        # The kernel soon uses the number of a namespace that has ended again, for another cluster.
        member = started <= self.taken and inside & set(self.namespaces)
        ours = self.folder in words or self.group in groups or member
        return f"{process.name} {words or '?'}" if ours else ""

    def mounts(self) -> list[str]:
        """Return its mounts that are visible outside its nodes."""
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        return [line for line in lines if self.folder in line]

    def groups(self) -> list[str]:
        """Return its control groups, as paths."""
        return [
            str(root / self.group) for root in cgroups.hierarchies() if (root / self.group).exists()
        ]

    def interfaces(self) -> list[str]:
        """Return the interface of its link, if it still exists."""
        return [name for index, name in links().items() if index == self.link]

    def files(self) -> list[str]:
        """Return its folder, if it still exists."""
        return [self.folder] if os.path.lexists(self.folder) else []

    def all(self) -> list[str]:
        """Return everything that is left."""
        return [
            *self.processes(),
            *self.mounts(),
            *self.groups(),
            *self.interfaces(),
            *self.files(),
        ]
