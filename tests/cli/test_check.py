"""`modelcache check` prints a line for each object, and sets its exit status."""

from pathlib import Path

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


def test_files_without_our_annotations_are_reported() -> None:
    ran = modelcache("check", "-f", "-", stdin=FOREIGN)
    assert (ran.status, ran.out) == (0, "")
    assert ran.err == "modelcache: nothing here has an annotation modelcache.io/…\n"


def test_all_mistakes_of_a_pod_are_on_one_line() -> None:
    pod = POD.replace("strategy: pvc", 'read-only: "yes"\n    modelcache.io/shm-size: 2GB')
    [line] = modelcache("check", "-f", "-", stdin=pod).out.splitlines()
    assert 'modelcache.io/read-only: must be "true" or "false", not "yes"' in line
    assert 'modelcache.io/shm-size: "2GB" is not a quantity' in line
