"""Owns controllers under test: runs each as a process, as a replica does, and reads its messages."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import msgspec
from cryptography import x509

from tests.forking.process import ENVIRONMENT, ROOT, Forked
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import wait_until
from webhook.controller.messages import Certificate, Event, Message, Patched, State
from webhook.controller.options import Options


class Controller:
    """One process, which ends with the block and acts as the user of *kubeconfig*."""

    def __init__(
        self,
        plane: ControlPlane,
        options: Options,
        kubeconfig: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        environment = {
            name: value
            for name, value in {**os.environ, **ENVIRONMENT}.items()
            if not name.startswith("KUBERNETES_")
        }
        self.messages: list[Message] = []
        self.process = Forked(
            [sys.executable, "-m", "webhook.controller"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**environment, "KUBECONFIG": str(kubeconfig or plane.kubeconfig), **(env or {})},
        )
        assert self.process.stdin
        self.process.stdin.write(msgspec.json.encode(options) + b"\n")
        self.process.stdin.flush()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.messages.append(msgspec.json.decode(line, type=Message))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        try:
            code = self.process.wait(10)
        finally:
            self.process.kill()
            self._reader.join()
            self.process.stdout.close()
        assert code == 0

    @property
    def state(self) -> State:
        """The last State that it sent."""
        return next((m for m in reversed(self.messages) if isinstance(m, State)), State({"": ""}))

    @property
    def leaf(self) -> x509.Certificate:
        """The last certificate that it sent."""
        found = [m for m in self.messages if isinstance(m, Certificate)]
        return x509.load_pem_x509_certificate(found[-1].certificate.encode())

    def events(self, name: str) -> list[Event]:
        """Return its log lines that are named *name*."""
        return [m for m in self.messages if isinstance(m, Event) and m.event == name]

    def patches(self) -> list[str]:
        """Return the results of its attempts to write a CA bundle."""
        return [m.result for m in self.messages if isinstance(m, Patched)]

    def ready(self) -> bool:
        """Whether it has reported that nothing is missing."""
        return self.state.reached and not self.state.missing


@contextlib.contextmanager
def controllers(
    plane: ControlPlane, options: Options, count: int = 1, kubeconfig: Path | None = None
) -> Iterator[list[Controller]]:
    """Start *count* of them at the same time, and yield when all are ready."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(Controller(plane, options, kubeconfig)) for _ in range(count)]
        wait_until(
            lambda: all(one.ready() for one in found),
            f"{count} controllers are ready",
            60,
        )
        yield found
