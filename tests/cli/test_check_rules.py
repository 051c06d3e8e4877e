"""`modelcache check` and `inject` judge files by the rules of CachePolicies."""

import json
from pathlib import Path

import pytest

from tests.cli.command import POD, modelcache, workload

WRITER = """\
apiVersion: v1
kind: Pod
metadata: {name: trainer, namespace: team}
spec:
  volumes: [{name: store, persistentVolumeClaim: {claimName: model-store}}]
  containers: [{name: train, image: busybox, volumeMounts: [{name: store, mountPath: /m}]}]
"""
READER = WRITER.replace("mountPath: /m", "mountPath: /m, readOnly: true")
FINDING = (
    "MC034 rule readOnlyMounts of CachePolicy platform: container train could write to model "
    "volume store: set readOnly: true on its mount"
)


def policy(where: Path, **rules: object) -> Path:
    path = where / "policy.yaml"
    spec = {
        "rules": {
            name: {"mode": rule} if isinstance(rule, str) else rule for name, rule in rules.items()
        }
    }
    path.write_text(json.dumps({
        "apiVersion": "modelcache.io/v1alpha1", "kind": "CachePolicy",
        "metadata": {"name": "platform"}, "spec": spec,
    }))  # fmt: skip
    return path


def test_a_pod_that_requests_nothing_is_judged_too(tmp_path: Path) -> None:
    rules = policy(tmp_path, readOnlyMounts="enforce")
    ran = modelcache("check", "-f", "-", "--policy", rules, stdin=f"{WRITER}---\n{READER}")
    assert (ran.status, ran.out) == (1, f"refused  pod/trainer (STDIN): {FINDING}\n")


def test_without_such_a_rule_it_is_not_read(tmp_path: Path) -> None:
    rules = policy(tmp_path, pinnedRevisions="enforce")
    ran = modelcache("check", "-f", "-", "--policy", rules, stdin=WRITER)
    assert (ran.status, ran.out) == (0, "")


@pytest.mark.parametrize(
    ("rule", "stdin", "status"),
    [
        ("readOnlyMounts", WRITER, 1),
        ("readOnlyMounts", READER, 1),
        ("readOnlyMounts", POD.replace("modelcache.io/model", "modelcache.io/inject"), 1),
        ("pinnedRevisions", WRITER, 0),
    ],
)
def test_a_policy_whose_labels_are_not_known_is_named_for_every_pod_that_it_may_judge(
    tmp_path: Path, rule: str, stdin: str, status: int
) -> None:
    rules = policy(tmp_path, **{rule: "enforce"})
    document = json.loads(rules.read_text())
    document["spec"]["namespaceSelector"] = {"matchLabels": {"models": "strict"}}
    rules.write_text(json.dumps(document))
    ran = modelcache("check", "-f", "-", "--policy", rules, "--warnings-as-errors", stdin=stdin)
    assert ran.status == status
    assert ran.err.count(" (STDIN): MC125 CachePolicy platform: ") == status


def test_a_long_document_without_our_name_is_judged_too(tmp_path: Path) -> None:
    rules = policy(tmp_path, readOnlyMounts="enforce")
    long = WRITER + "# " + "x" * 300_000 + "\n"
    assert modelcache("check", "-f", "-", "--policy", rules, stdin=long).status == 1


def test_a_workload_that_requests_nothing_is_judged_by_its_template(tmp_path: Path) -> None:
    deployment = (
        workload("Deployment")
        .replace("modelcache.io/model", "other/model")
        .replace("modelcache.io/", "other/")
    )
    rules = policy(tmp_path, requireModel={"mode": "enforce", "except": ["default/other-*"]})
    ran = modelcache("check", "-f", "-", "--policy", rules, stdin=deployment)
    assert ran.status == 1
    assert ran.out.startswith("refused  deployment/llama (STDIN): MC040 rule requireModel of ")
    excused = policy(tmp_path, requireModel={"mode": "enforce", "except": ["default/llama-*"]})
    assert modelcache("check", "-f", "-", "--policy", excused, stdin=deployment).status == 0


def test_a_pod_is_judged_as_it_will_run(tmp_path: Path) -> None:
    rules = policy(
        tmp_path,
        readOnlyMounts="enforce",
        hostPathRoots={"mode": "enforce", "roots": ["/var/lib/model-cache"]},
    )
    for strategy in ("pvc", "hostPath"):
        applied = POD.replace("strategy: pvc", f"strategy: {strategy}")
        ran = modelcache("check", "-f", "-", "--policy", rules, stdin=applied)
        assert (ran.status, ran.err) == (0, "")


def test_a_namespace_of_the_cluster_is_left_alone(tmp_path: Path) -> None:
    rules = policy(tmp_path, readOnlyMounts="enforce")
    applied = WRITER.replace("namespace: team", "namespace: kube-system")
    assert modelcache("check", "-f", "-", "--policy", rules, stdin=applied).status == 0


def test_a_mirror_pod_is_left_alone(tmp_path: Path) -> None:
    rules = policy(tmp_path, readOnlyMounts="enforce")
    mirrored = WRITER.replace("namespace: team", "namespace: team, annotations: {MIRROR: x}")
    applied = mirrored.replace("MIRROR", "kubernetes.io/config.mirror")
    assert modelcache("check", "-f", "-", "--policy", rules, stdin=applied).status == 0


@pytest.mark.parametrize("load_from", ["claim", "node"])
def test_what_our_loader_copies_from_is_no_finding(tmp_path: Path, load_from: str) -> None:
    rules = policy(
        tmp_path, readOnlyMounts="enforce",
        hostPathRoots={"mode": "enforce", "roots": ["/var/lib/model-cache"]},
    )  # fmt: skip
    asked = f"strategy: emptyDir\n    modelcache.io/size: 20Gi\n    modelcache.io/load-from: {load_from}"
    applied = POD.replace("strategy: pvc", asked)
    ran = modelcache("check", "-f", "-", "--policy", rules, stdin=applied)
    assert (ran.status, ran.out) == (0, "admitted pod/llama (STDIN): injected, strategy emptyDir\n")


@pytest.mark.parametrize(
    ("mode", "options", "status"),
    [
        ("enforce", (), 1), ("warn", (), 0), ("warn", ("--warnings-as-errors",), 1),
        ("warn", ("--strict",), 0), ("audit", (), 0), ("audit", ("--warnings-as-errors",), 0),
    ],
)  # fmt: skip
def test_the_mode_decides_the_exit_status(
    tmp_path: Path, mode: str, options: tuple[str, ...], status: int
) -> None:
    rules = policy(tmp_path, readOnlyMounts=mode)
    ran = modelcache("check", "-f", "-", "--policy", rules, *options, stdin=WRITER)
    assert ran.status == status
    assert ran.err == (f"Warning: pod/trainer (STDIN): {FINDING}\n" if mode == "warn" else "")
    audited = f"audited  pod/trainer (STDIN): {FINDING}\n"
    assert (audited in ran.out) == (mode == "audit")


def test_an_enforced_rule_fails_although_only_the_workload_breaks_it(tmp_path: Path) -> None:
    rules = policy(tmp_path, sharedClaims="enforce")
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: model-store}\n"
        "spec: {accessModes: [ReadWriteOnce]}\nstatus: {phase: Bound}\n"
    )
    applied = workload("Deployment").replace("spec:\n", "spec:\n  replicas: 2\n", 1)
    ran = modelcache("check", "-f", "-", "--policy", rules, "--cluster", cluster, stdin=applied)
    assert ran.status == 1
    assert (
        "Warning: deployment/llama (STDIN): MC039 rule sharedClaims of CachePolicy platform: claim"
        in ran.err
    )
    assert ran.out.startswith("admitted deployment/llama")


def test_json_has_every_finding_with_its_rule_mode_policy_subject_and_place(tmp_path: Path) -> None:
    rules = policy(tmp_path, readOnlyMounts="warn", pinnedRevisions="audit")
    file = tmp_path / "all.yaml"
    file.write_text(f"{WRITER}---\n{POD}")
    ran = modelcache("check", "-f", file, "--policy", rules, "-o", "json")
    assert ran.status == 0
    trainer, llama = json.loads(ran.out)
    assert trainer["findings"] == [
        {
            "rule": "readOnlyMounts", "code": "MC034", "mode": "warn", "policy": "platform",
            "subject": "team/trainer", "place": f"{file}, document 1",
            "message": FINDING.partition(": ")[2],
        }
    ]  # fmt: skip
    assert (trainer["verdict"], trainer["object"]) == ("admitted", "pod/trainer")
    assert (llama["verdict"], llama["strategy"]) == ("admitted", "pvc")
    assert [found["rule"] for found in llama["findings"]] == ["pinnedRevisions"]
    assert ran.err == ""


def test_json_of_nothing_is_an_empty_list() -> None:
    ran = modelcache("check", "-f", "-", "-o", "json", stdin=WRITER)
    assert (ran.status, json.loads(ran.out), ran.err) == (0, [], "")


def test_inject_leaves_out_what_a_rule_refuses(tmp_path: Path) -> None:
    rules = policy(tmp_path, readOnlyMounts="enforce")
    ran = modelcache("inject", "-f", "-", "--policy", rules, stdin=f"{WRITER}---\n{READER}")
    assert (ran.status, ran.out) == (1, f"---\n{READER}")
    assert FINDING in ran.err
