"""Run the command as people do, in a separate process."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.forking.process import ENVIRONMENT, run

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """The exit status and the output of a command."""

    status: int
    out: str
    err: str
    raw: bytes


def modelcache(
    *arguments: str | Path,
    stdin: str | bytes = b"",
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
) -> Ran:
    """Run the command; fail the test if there is a traceback."""
    done = run(
        [sys.executable, "-m", "webhook", *map(str, arguments)],
        given=stdin.encode() if isinstance(stdin, str) else stdin,
        seconds=120,
        cwd=cwd,
        env={**os.environ, **ENVIRONMENT, **(env or {})},
    )
    err = done.stderr.decode()
    assert "Traceback" not in err, err
    return Ran(done.returncode, done.stdout.decode(errors="replace"), err, done.stdout)


def as_another_user(
    *arguments: str | Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command as the loader's user, who can enter the folders above paths in *arguments*."""
    for path in arguments:
        for folder in Path(path).parents if isinstance(path, Path) else ():
            if folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o055)  # pytest makes its folders private
    words = ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", sys.executable]
    done = subprocess.run(
        [*words, "-m", "webhook", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=120, env={**os.environ, **ENVIRONMENT, **(env or {})},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


_PEAK = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
raise SystemExit(status)
"""


def peak(*words: str | Path, env: Mapping[str, str] | None = None) -> int:
    """Return the peak of a command's memory in bytes; the command must succeed.

    An intermediate process starts it, because a process inherits the peak of its parent.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *map(str, words)],
        capture_output=True, text=True, check=True, cwd=ROOT, timeout=60,
        env={**(env or os.environ), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return int(done.stdout)


POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: llama
  annotations:
    modelcache.io/model: meta-llama/Llama-3.1-8B-Instruct
    modelcache.io/strategy: pvc
spec:
  containers:
    - name: vllm
      image: vllm/vllm-openai:v0.6.4
      args: [--model, $(MODELCACHE_PATH)]
      resources:
        limits: {memory: 24Gi, nvidia.com/gpu: "1"}
"""
REFUSED = POD.replace("strategy: pvc", "strategy: cloud").replace("name: llama", "name: wrong")
FOREIGN = "kind:   ConfigMap\napiVersion: v1\ndata: { a:   1 } # kept\n"


def workload(kind: str, strategy: str = "pvc") -> str:
    """Return a workload of *kind* that has the annotations itself."""
    version = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    template = """\
template:
  metadata:
    labels: {app: llama}
  spec:
    containers:
      - name: vllm
        image: vllm/vllm-openai:v0.6.4
        resources:
          limits: {memory: 24Gi}
"""
    if kind == "CronJob":
        template = "jobTemplate:\n  spec:\n" + _indented(template, 4)
    return f"""\
apiVersion: {version}
kind: {kind}
metadata:
  name: llama
  annotations:
    modelcache.io/model: meta-llama/Llama-3.1-8B-Instruct
    modelcache.io/strategy: {strategy}
spec:
{_indented(template, 2)}"""


def _indented(text: str, spaces: int) -> str:
    return "".join(" " * spaces + line for line in text.splitlines(keepends=True))
