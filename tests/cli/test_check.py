"""`modelcache check` prints a line for each object, and sets its exit status."""

from pathlib import Path

import pytest

from tests.cli.command import FOREIGN, POD, REFUSED, modelcache, workload


def test_each_object_has_its_line(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    opted_out = POD.replace("strategy: pvc", 'inject: "false"').replace("name: llama", "name: out")
    file.write_text("---\n".join((POD, FOREIGN, REFUSED, opted_out, workload("CronJob"))))
    ran = modelcache("check", "-f", file)
    assert ran.status == 1
    lines = ran.out.splitlines()
    assert lines[0] == f"admitted pod/llama ({file}): injected, strategy pvc"
    assert lines[1].startswith(f"refused  pod/wrong ({file}): MC001 modelcache.io/strategy: ")
    assert lines[2] == f"admitted pod/out ({file}): unchanged, opted out"
    assert lines[3] == f"admitted cronjob/llama ({file}): injected, strategy pvc"


def test_without_a_refusal_the_exit_status_is_0() -> None:
    ran = modelcache("check", "-f", "-", stdin=POD)
    assert (ran.status, ran.err) == (0, "")


def test_warnings_go_to_standard_error() -> None:
    ran = modelcache("check", "-f", "-", stdin=POD.replace("strategy: pvc", 'stragety: "pvc"'))
    assert ran.err.startswith("Warning: MC101 modelcache.io/stragety: ")
    assert "modelcache.io/strategy" in ran.err


CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: other}
spec: {accessModes: [ReadWriteOnce]}
status: {phase: Bound}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    """A file that describes a cluster with one claim, which only one node can mount."""
    path = tmp_path / "cluster.yaml"
    path.write_text(CLAIM)
    return path


def test_pods_that_will_wait_are_admitted_with_a_warning(cluster: Path) -> None:
    ran = modelcache("check", "-f", "-", "--cluster", cluster, stdin=POD)
    assert (ran.status, ran.out) == (0, "admitted pod/llama (STDIN): injected, strategy pvc\n")
    assert ran.err.startswith("Warning: MC137 modelcache.io/claim: the pod waits, because ")


@pytest.mark.parametrize("kind", ["Pod", "Deployment", "CronJob"])
def test_with_strict_pods_that_will_wait_fail(cluster: Path, kind: str) -> None:
    applied = POD if kind == "Pod" else workload(kind)
    ran = modelcache("check", "-f", "-", "--cluster", cluster, "--strict", stdin=applied)
    assert ran.status == 1
    waits = (
        f"waits    {kind.lower()}/llama (STDIN): MC137 modelcache.io/claim: the pod waits, because "
    )
    assert ran.out.startswith(waits)


def test_with_strict_other_warnings_do_not_fail(cluster: Path) -> None:
    pod = POD.replace("strategy: pvc", "claim: other\n    modelcache.io/clam: x")
    ran = modelcache("check", "-f", "-", "--cluster", cluster, "--strict", stdin=pod)
    assert "Warning: MC101 " in ran.err
    assert "Warning: MC140 " in ran.err
    assert (ran.status, ran.out) == (0, "admitted pod/llama (STDIN): injected, strategy pvc\n")


def test_with_strict_a_refusal_is_named_as_one(cluster: Path) -> None:
    ran = modelcache(
        "check", "-f", "-", "--cluster", cluster, "--strict", stdin=f"{POD}---\n{REFUSED}"
    )
    assert ran.status == 1
    assert [line.split()[0] for line in ran.out.splitlines()] == ["waits", "refused"]


def test_files_without_our_annotations_are_reported() -> None:
    ran = modelcache("check", "-f", "-", stdin=FOREIGN)
    assert (ran.status, ran.out) == (0, "")
    assert ran.err == "modelcache: nothing here has an annotation modelcache.io/…\n"


def test_all_mistakes_of_a_pod_are_on_one_line() -> None:
    pod = POD.replace("strategy: pvc", 'read-only: "yes"\n    modelcache.io/shm-size: 2GB')
    [line] = modelcache("check", "-f", "-", stdin=pod).out.splitlines()
    assert 'modelcache.io/read-only: must be "true" or "false", not "yes"' in line
    assert 'modelcache.io/shm-size: "2GB" is not a quantity' in line


NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {modelcache.io/admission: disabled}}
"""


@pytest.mark.parametrize("kind", ["Pod", "Deployment"])
def test_a_namespace_whose_label_keeps_the_webhook_out_is_left_as_it_is(
    tmp_path: Path, kind: str
) -> None:
    (tmp_path / "cluster.yaml").write_text(NAMESPACE)
    applied = REFUSED if kind == "Pod" else workload(kind, strategy="cloud")
    ran = modelcache("check", "-f", "-", "--cluster", tmp_path / "cluster.yaml", stdin=applied)
    name = "pod/wrong" if kind == "Pod" else "deployment/llama"
    assert ran.out == f"admitted {name} (STDIN): unchanged, excluded namespace\n"
    assert (ran.status, ran.err) == (0, "")
