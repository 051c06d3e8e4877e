"""Where the Kubernetes programs come from."""

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kubernetes import binaries

FAKE_GO = """#!/bin/sh
echo "$@" >> "$GO_CALLS"
test -z "$GO_FAILS" || { echo "$GO_FAILS" >&2; exit 1; }
sleep 0.3
while test "$1" != -o; do shift; done
echo program > "$2"; chmod +x "$2"
"""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and a `go` that only notes what it was asked for."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(FAKE_GO)
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GO_CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("GO_FAILS", "")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path


def builds(machine: Path) -> list[str]:
    calls = machine / "calls"
    return calls.read_text().splitlines() if calls.exists() else []


def test_a_program_is_built_once_and_stamped(machine: Path) -> None:
    first = binaries.path(binaries.API_SERVER)
    assert first == binaries.path(binaries.API_SERVER)
    assert first.is_relative_to(machine / "cache" / "modelcache")
    (call,) = builds(machine)
    assert "version.gitVersion=v1.37.2" in call
    assert call.endswith("k8s.io/kubernetes/cmd/kube-apiserver")


def test_no_two_programs_share_a_file() -> None:
    assert len({binaries.path(program) for program in binaries.ALL}) == len(binaries.ALL)


def test_two_processes_at_once_build_it_once(machine: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from tests.kubernetes import binaries; print(binaries.path(binaries.ETCD))",
    ]
    root = Path(__file__).parents[2]
    both = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) for _ in range(2)]
    paths = {process.communicate()[0] for process in both}
    assert (len(paths), len(builds(machine))) == (1, 1)


def test_a_failed_build_leaves_nothing_and_shows_why(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GO_FAILS", "no space left")
    with pytest.raises(binaries.CannotBuildError, match="no space left"):
        binaries.path(binaries.ETCD)
    assert not list((machine / "cache").rglob("etcd*"))


def test_without_go_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(binaries.CannotBuildError, match=r"install Go 1\.26 or newer"):
        binaries.path(binaries.ETCD)


def test_programs_of_kubebuilder_assets_are_used_and_only_what_is_missing_is_built(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("kube-apiserver", "etcd"):
        (machine / name).touch(mode=0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(machine))
    assert binaries.path(binaries.API_SERVER) == machine / "kube-apiserver"
    assert binaries.path(binaries.ETCD) == machine / "etcd"
    assert not builds(machine)
    assert binaries.path(binaries.KUBECTL).parent != machine
    assert binaries.path(binaries.OLD_API_SERVER).parent != machine
    assert len(builds(machine)) == 2


def test_a_command_of_our_own_is_built_anew_when_its_source_changes(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = machine / "go"
    shutil.copytree(binaries.MODULES, modules)
    monkeypatch.setattr(binaries, "MODULES", modules)
    before = binaries.path(binaries.CERT_MANAGER)
    with (modules / "cert-manager" / "controller" / "main.go").open("a") as source:
        source.write("// changed\n")
    assert binaries.path(binaries.CERT_MANAGER) != before
    assert [call.split()[-1] for call in builds(machine)] == ["./controller", "./controller"]


def test_building_all_shows_first_how_long_it_takes_and_then_how_far_it_is(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binaries.path(binaries.ETCD)
    capsys.readouterr()
    binaries.build([binaries.ETCD, binaries.KUBECTL, binaries.API_SERVER])
    lines = [
        line.removeprefix("tests.kubernetes: ") for line in capsys.readouterr().err.split("\n")
    ]
    seconds = (binaries.KUBECTL.seconds + binaries.API_SERVER.seconds) * 2
    cores = len(os.sched_getaffinity(0))
    minutes = math.ceil(seconds / cores / 60)
    assert lines[0] == (
        f"1 of 3 programs are ready; building 2 takes about {minutes} minutes on {cores} cores"
    )
    assert [line for line in lines if "left" in line] == [
        "1 of 2 are built, 1 minute left",
        "2 of 2 are built, 0 minutes left",
    ]
    assert len(builds(machine)) == 3


def test_when_all_are_built_only_that_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    binaries.path(binaries.ETCD)
    capsys.readouterr()
    binaries.build([binaries.ETCD])
    assert capsys.readouterr().err == "tests.kubernetes: 1 of 1 programs are ready\n"
