"""A command that is forked does what one that is started does: status, output, environment."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import POD
from tests.forking.process import ENVIRONMENT, ROOT, Forked, Server, run
from tests.forking.reads import reads
from tests.store.models import sharded

INSTALLED = Path(sys.executable).with_name("modelcache")
COMMANDS = {
    "version": ["--version"],
    "help": ["--help"],
    "inject": ["inject", "-f", "-", "--diff", "--explain"],
    "check": ["check", "-f", "-"],
    "render": ["render", "--kind", "claim", "--claim", "models", "--size", "1Gi"],
    "load": ["load", "file://model", "store"],
    "load of no hub": ["load", "acme/tiny", "store", "--deadline", "0s"],
    "load of no bucket": ["load", "s3://models/v1", "store", "--deadline", "0s"],
    "copy": ["copy", "model", "memory"],
    "verify": ["verify", "--full", "model"],
    "status": ["status", "none"],
    "prune": ["prune", "store", "--unused-for", "1d", "--no-cluster"],
    "doctor": ["doctor"],
    "bench-storage": ["bench-storage", "none"],
    "serve": ["serve", "--port", "0"],
}
WAYS = ("the end", "a number", "a large number", "a text", "nothing", "an exception", "an interrupt",
        "a signal", "a thread", "a full disk")  # fmt: skip


def started(args: list[str | Path], **options: Any) -> subprocess.CompletedProcess[Any]:
    return subprocess.run(args, capture_output=True, check=False, timeout=60, **options)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **ENVIRONMENT, **more}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_forked_does_what_the_installed_program_does(
    name: str, tmp_path: Path
) -> None:
    found = []
    folder = tmp_path / "here"
    words = [word.replace("file://", f"file://{folder}/") for word in COMMANDS[name]]
    for begin in ("installed", "forked"):
        folder.mkdir()
        for path in sharded(folder / "model", 2, 5000).iterdir():
            os.utime(path, (0, 0))  # of which a directory's commit is made
        (folder / "store").mkdir()
        env = environment(HF_ENDPOINT="http://127.0.0.1:9", AWS_ENDPOINT_URL="http://127.0.0.1:9",
                          AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")  # fmt: skip
        options = {"cwd": folder, "env": env}
        if begin == "installed":
            done = started([INSTALLED, *words], input=POD.encode(), **options)
        else:
            python = [sys.executable, "-m", "webhook", *words]
            done = run(python, given=POD.encode(), seconds=60, **options)
        files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        errors = re.sub(rb"in [\d.]+ s", b"in T s", done.stderr)
        found.append((done.returncode, done.stdout, errors, files))
        shutil.rmtree(folder)
    assert found[0] == found[1]


def facts(kind: type[subprocess.Popen[Any]], **options: Any) -> tuple[Any, bytes]:
    """Return what a process of that kind sees, and its errors."""
    words = [sys.executable, "-m", "tests.forking.facts", "", "--an=option"]
    pipe = subprocess.PIPE
    with kind(words, stdin=pipe, stdout=pipe, stderr=pipe, **options) as process:
        out, errors = process.communicate(b"given")
    assert process.returncode == 0, errors
    return json.loads(out), errors


def test_it_sees_what_a_process_sees_that_was_started(tmp_path: Path) -> None:
    options = {"cwd": tmp_path, "env": environment(HTTPS_PROXY="http://proxy", NEW="ü\udcff")}
    forked, begun = facts(Forked, **options), facts(subprocess.Popen, **options)
    assert forked == begun
    assert forked[0]["parent"] == os.getpid()
    assert forked[0]["given"] == "given"


def test_its_umask_is_that_of_its_parent_now() -> None:
    previous = os.umask(0o027)
    try:
        assert facts(Forked, env=environment())[0]["umask"] == 0o027
    finally:
        os.umask(previous)


@pytest.mark.parametrize("where", ["a file", "nothing", "a terminal"])
def test_its_output_goes_where_it_is_sent(tmp_path: Path, where: str) -> None:
    found = []
    for kind in (Forked, subprocess.Popen):
        words = [sys.executable, "-m", "tests.forking.facts", str(tmp_path / "facts")]
        leader, follower = pty.openpty()
        file = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        out = {"a file": file, "nothing": subprocess.DEVNULL, "a terminal": follower}[where]
        with kind(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                  cwd=ROOT, env=environment()) as process:  # fmt: skip
            assert process.wait(60) == 0
        for number in (leader, follower, file):
            os.close(number)
        found.append((json.loads((tmp_path / "facts").read_text()), (tmp_path / "out").read_text()))
    assert found[0] == found[1]


@pytest.mark.parametrize("way", WAYS)
def test_it_ends_as_a_process_ends_that_was_started(way: str) -> None:
    words = [sys.executable, "-m", "tests.forking.ends", way]
    options: dict[str, Any] = {"cwd": ROOT, "env": environment()}
    forked, begun = run(words, seconds=60, **options), started([*words], **options)
    assert (forked.returncode, forked.stdout) == (begun.returncode, begun.stdout)
    last = -1 if b"Traceback" in begun.stderr else None
    assert forked.stderr.splitlines()[last:] == begun.stderr.splitlines()[last:]


def test_it_is_signalled_and_waited_for_like_any_other() -> None:
    words = [sys.executable, "-m", "tests.forking.ends", "sleep"]
    with Forked(words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not Path(f"/proc/{process.pid}").exists()


def test_it_does_not_outlive_its_parent() -> None:
    program = (
        "import os, sys, time; from tests.forking.process import Server\n"
        "print(Server(()).start(['tests.forking.ends', 'sleep'], '.', dict(os.environ), [0, 2, 2]))\n"
        "sys.stdout.flush(); time.sleep(60)"
    )
    words = [sys.executable, "-c", program]
    with subprocess.Popen(words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        number = int(parent.stdout.readline())
        parent.kill()
    until = time.monotonic() + 20
    while Path(f"/proc/{number}").exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert not Path(f"/proc/{number}").exists()


@pytest.mark.parametrize(
    ("more", "forked"),
    [
        ({}, True),
        ({"HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "t", "HF_HUB_OFFLINE": "1"}, True),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_CA_BUNDLE": "/a.pem"}, True),
        ({"STORAGE_EMULATOR_HOST": "http://127.0.0.1:9"}, True),
        ({"HTTPS_PROXY": "http://a", "no_proxy": "b", "SSL_CERT_FILE": "/a.pem"}, True),
        ({"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"}, True),
        ({"HOME": "/elsewhere"}, False),
        ({"KUBECONFIG": "/elsewhere", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True),
        ({"FSSPEC_S3_ANON": "true"}, False),
        ({"PYTHONHASHSEED": "0"}, False),
        ({"LC_ALL": "C"}, False),
        ({"TZ": "Asia/Tokyo"}, False),
    ],
    ids=str,
)
def test_it_is_forked_unless_an_import_reads_what_is_changed(
    more: Mapping[str, str], forked: bool
) -> None:
    words = [sys.executable, "-m", "tests.forking.ends", "nothing"]
    env = environment(**more)
    with Forked(words, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as process:
        assert process.wait(60) == 0
    assert process.forked is forked


def test_a_process_that_may_not_be_forked_is_started() -> None:
    for words in (["true"], [sys.executable, "-c", ""], [sys.executable, "-I", "-m", "this"]):
        with Forked(words, stdout=subprocess.DEVNULL, env=environment()) as process:
            assert process.wait(60) == 0
        assert not process.forked


def test_a_server_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="No module named 'nothing_like_it'"):
        Server(("nothing_like_it",))


def test_what_is_read_of_the_environment_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLD", "1")
    kind = type(os.environ)
    with reads() as found:
        assert os.environ["TOLD"] == os.environ.get("TOLD") == "1"
        assert os.getenv("UNTOLD") is None
        assert "MAYBE" not in os.environ
        Path("~/x").expanduser()
    assert found == {"TOLD", "UNTOLD", "MAYBE", "HOME"}
    assert type(os.environ) is kind


def test_a_module_that_lists_the_environment_is_named() -> None:
    for listing in (dict, list, lambda found: found.items(), lambda found: found.copy()):
        with reads(), pytest.raises(RuntimeError, match=f"{__name__} lists the environment"):
            listing(os.environ)
