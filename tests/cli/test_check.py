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
    assert ran.err.startswith("Warning: pod/llama (STDIN): MC101 modelcache.io/stragety: ")
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
    assert ran.err.startswith(
        "Warning: pod/llama (STDIN): MC137 modelcache.io/claim: the pod waits, because "
    )


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
    assert ": MC101 " in ran.err
    assert ": MC140 " in ran.err
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


POLICY = """\
apiVersion: modelcache.io/v1alpha1
kind: CachePolicy
metadata: {name: NAME}
spec: SPEC
"""


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """What an API server has: a policy with a mistake, and one of a newer schema."""
    path = tmp_path / "dump.yaml"
    bad = POLICY.replace("SPEC", "{defaults: {strategy: telepathy}}").replace("NAME", "bad, uid: a")
    newer = POLICY.replace("SPEC", "{later: 1, defaults: {claim: newer}}")
    path.write_text(f"{bad}---\n{newer.replace('NAME', 'newer, uid: b')}")
    return path


def test_objects_that_an_api_server_has_written_are_read_as_the_webhook_reads_them(
    dump: Path,
) -> None:
    ran = modelcache("inject", "-f", "-", "--cluster", dump, stdin=POD)
    assert ran.status == 0
    assert "claimName: newer" in ran.out
    first, second = ran.err.splitlines()
    assert first.startswith("modelcache: CachePolicy bad: left out: spec.defaults.strategy: ")
    assert second == (
        "modelcache: CachePolicy newer: spec.later is newer than this version, and not read"
    )


def test_one_that_a_person_has_written_has_its_mistakes_reported(dump: Path) -> None:
    dump.write_text(dump.read_text().replace("uid", "generateName"))
    ran = modelcache("check", "-f", "-", "--cluster", dump, stdin=POD)
    assert (ran.status, ran.out) == (2, "")
    assert "telepathy" in ran.err
    assert "spec.later" in ran.err


def test_an_object_of_the_cluster_wins_over_one_of_the_policy(dump: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        POLICY.replace("SPEC", "{defaults: {claim: files}}").replace("NAME", "newer")
    )
    words = ("--cluster", dump, "--policy", tmp_path / "policy.yaml")
    ran = modelcache("inject", "-f", "-", *words, stdin=POD)
    assert "claimName: newer" in ran.out
    assert "modelcache: CachePolicy newer: in --cluster too, which wins\n" in ran.err
