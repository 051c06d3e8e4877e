"""Owns processes: starts, watches and ends them, also those of a run that was killed.

Each run has a folder. It records the owner of the run and the processes that it started, each by
process id, start time and boot, so that another process is never taken for one of them. If the owner
ends without stopping its run, the next run ends it (sweep).
"""

import contextlib
import dataclasses
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.kubernetes import cgroups
from tests.kubernetes.binaries import cache, locked
from tests.kubernetes.hosts import Host

GUARD: Final = Path(__file__).with_name("guard.py")


class FailedError(Exception):
    """A program ended or did not become ready; the text includes the end of its log."""


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """A process, distinguished from every later process with the same id."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """Return the identity of the process that has *pid* now, if it runs."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()  # the name before it may contain anything
        if fields[0] in "ZX":
            return None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return cls(pid, int(fields[19]), boot)

    def alive(self) -> bool:
        """Whether it still runs."""
        return Identity.of(self.pid) == self

    def signal(self, number: int) -> None:
        """Send a signal to it, and never to another process."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it and wait until it has gone."""
        deadline = time.monotonic() + 30
        while self.alive():
            self.signal(signal.SIGKILL)
            if time.monotonic() > deadline:
                raise FailedError(f"process {self.pid} does not end")
            time.sleep(0.01)


@dataclasses.dataclass(slots=True)
class Process:
    """A program we started, and its log."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def tail(self, lines: int = 20) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Return once *ready* holds; raises FailedError if the program ends first or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.popen.poll() is not None:
                raise FailedError(f"{self.name} ended ({self.popen.returncode}):\n{self.tail()}")
            if time.monotonic() > deadline:
                raise FailedError(f"{self.name} not ready in {seconds:g} s:\n{self.tail()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once; its data is thrown away in any case."""
        self.popen.kill()
        self.popen.wait()


class Run:
    """A folder, and the processes that were started in it."""

    def __init__(self, folder: Path | None = None, *, detached: bool = False) -> None:
        sweep()
        self.folder = folder or runs() / f"{os.getpid()}-{secrets.token_hex(4)}"
        self.detached = detached
        self.processes: list[Process] = []
        with locked(runs() / ".lock"):  # else a sweep may see the folder without its owner
            self.folder.mkdir(mode=0o700, parents=True)
            owner = None if detached else Identity.of(os.getpid())
            record = dataclasses.asdict(owner) if owner else None
            (self.folder / "owner.json").write_text(json.dumps(record))

    def start(
        self,
        host: Host,
        name: str,
        argv: Sequence[str | Path],
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Start *argv* on *host*, with its output in the folder, and record it."""
        command = host.command([str(word) for word in argv])
        command[0] = shutil.which(command[0]) or command[0]
        if not self.detached:
            command = [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), *command]
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # only this process handles an interrupt from the terminal
                # Go collects garbage less often: an API server's start takes 1.2 s of processor
                # time, with 200 it takes 1.5 s, and with Go's default of 100 it takes 1.7 s.
                env={"GOGC": "400", **os.environ, **(env or {})},
            )
        self.record(popen.pid)
        process = Process(name, popen, log)
        self.processes.append(process)
        return process

    def record(self, pid: int) -> None:
        """Record that process *pid* must end with the run."""
        if identity := Identity.of(pid):
            with (self.folder / "processes.jsonl").open("a") as record:
                record.write(json.dumps(dataclasses.asdict(identity)) + "\n")

    def create_cgroup(self, name: str) -> str:
        """Make a control group for *name*; return its path, which no other run has."""
        group = f"modelcache-{self.folder.name}"
        (self.folder / "cgroup").write_text(group)
        cgroups.create(f"{group}/{name}")
        return f"{group}/{name}"

    def stop(self) -> None:
        """End everything, last started first, and remove the folder."""
        for process in reversed(self.processes):
            process.kill()
        self.processes.clear()
        end(self.folder)


def runs() -> Path:
    """Return the folder of all runs."""
    return cache() / "runs"


def recorded(folder: Path) -> list[Identity]:
    """Return the processes that were started in *folder*, in that order."""
    record = folder / "processes.jsonl"
    found = []
    for line in record.read_text().splitlines() if record.exists() else ():
        with contextlib.suppress(ValueError, TypeError):  # a line that was not written completely
            found.append(Identity(**json.loads(line)))
    return found


def alive(folder: Path) -> bool:
    """Whether everything that was started in *folder* still runs."""
    processes = recorded(folder)
    return bool(processes) and all(process.alive() for process in processes)


def end(folder: Path) -> None:
    """End the processes that the folder of a run records, and remove it."""
    processes = list(reversed(recorded(folder)))
    record = folder / "cgroup"
    group = record.read_text() if record.exists() else ""
    for process in processes:
        process.signal(signal.SIGKILL)
    if group:
        cgroups.thaw(group)  # the program that froze a container may not live to thaw it
    for process in processes:
        process.kill()
    if group:
        cgroups.remove(group)
    shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """End the runs whose owner has ended. A detached run has no owner and is left alone."""
    with locked(runs() / ".lock"):
        for folder in runs().iterdir():
            if folder.is_dir():
                try:
                    owner = json.loads((folder / "owner.json").read_text())
                    gone = owner is not None and not Identity(**owner).alive()
                except (OSError, ValueError, TypeError):
                    gone = True
                if gone:
                    end(folder)
