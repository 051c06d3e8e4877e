"""`modelcache inject`: its output for every kind of object, in every format."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import yaml

from tests.cli.command import FOREIGN, POD, REFUSED, ROOT, modelcache, workload

TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
MOUNT = "/models/llama-3.1-8b-instruct"


def mounts(pod: dict[str, Any]) -> list[str]:
    return [m["mountPath"] for c in pod["spec"]["containers"] for m in c.get("volumeMounts", [])]


def paths_of(text: str) -> list[list[str]]:
    return [mounts(document) for document in yaml.safe_load_all(text)]


def test_a_pod_gets_its_model() -> None:
    ran = modelcache("inject", "-f", "-", stdin=POD)
    assert (ran.status, ran.err) == (0, "")
    [pod] = yaml.safe_load_all(ran.out)
    assert "/dev/shm" in mounts(pod)
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"]["readOnly"] is True
    assert pod["spec"]["containers"][0]["resources"]["limits"]["memory"] == "26Gi"


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_workload_is_shown_with_the_template_of_its_pods(kind: str) -> None:
    ran = modelcache("inject", "-f", "-", stdin=workload(kind))
    assert ran.status == 0
    assert "Warning: MC108" in ran.err
    found = yaml.safe_load(ran.out)
    for step in TEMPLATES[kind]:
        found = found[step]
    assert "/dev/shm" in mounts(found)
    assert found["metadata"]["annotations"]["modelcache.io/strategy"] == "pvc"


def test_every_part_of_a_custom_resource_that_describes_pods_is_shown_with_its_model() -> None:
    file = ROOT / "tests/cli/golden/custom-workloads-checked/workloads.yaml"
    text = file.read_text().replace("strategy: cloud", "strategy: hostPath")
    found = list(yaml.safe_load_all(modelcache("inject", "-f", "-", stdin=text).out))
    templates = found[0]["spec"]["leaderWorkerTemplate"]
    leader, worker = templates["leaderTemplate"], templates["workerTemplate"]
    assert "persistentVolumeClaim" in leader["spec"]["volumes"][0]
    assert "hostPath" in worker["spec"]["volumes"][0]
    predictor = found[1]["spec"]["predictor"]
    assert mounts({"spec": predictor}) == mounts({"spec": predictor["workerSpec"]}) != []
    ledger = json.loads(predictor["annotations"]["modelcache.io/injected"])
    assert ledger["strategy"] == "pvc"
    assert "/dev/shm" in mounts(found[3]["spec"]["engine"]["template"])
    assert found[4:] == list(yaml.safe_load_all(text))[4:]


def test_the_items_of_a_list_are_injected_one_by_one() -> None:
    items = [yaml.safe_load(text) for text in (POD, FOREIGN, workload("Job"))]
    ran = modelcache(
        "inject",
        "-f",
        "-",
        stdin=yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}),
    )
    found = yaml.safe_load(ran.out)["items"]
    assert [item["kind"] for item in found] == ["Pod", "ConfigMap", "Job"]
    assert found[1] == items[1]
    assert mounts(found[0])
    assert mounts(found[2]["spec"]["template"])


def test_a_pod_that_names_us_only_in_a_value_is_left_alone() -> None:
    pod = POD.replace("modelcache.io/model: meta-llama/", "note: see modelcache.io/").replace(
        "    modelcache.io/strategy: pvc\n", ""
    )
    assert modelcache("inject", "-f", "-", stdin=pod).out == pod
    assert modelcache("check", "-f", "-", stdin=pod).out == ""


def test_an_injected_pod_is_not_injected_again() -> None:
    once = modelcache("inject", "-f", "-", stdin=POD).out
    assert modelcache("inject", "-f", "-", stdin=once).out == once


def test_a_directory_is_read_recursively_without_hidden_files(tmp_path: Path) -> None:
    for name in ("deep/er/x.json", ".git/y.yaml", "z.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"kind": name}))
    assert modelcache("inject", "-f", tmp_path).out == '{"kind": "deep/er/x.json"}'


def test_json_is_read_and_its_strings_stay_strings() -> None:
    pod = yaml.safe_load(POD)
    pod["spec"]["containers"][0]["env"] = [{"name": "A", "value": "yes"}]
    ran = modelcache("inject", "-f", "-", stdin=json.dumps(pod))
    assert ran.status == 0
    env = yaml.safe_load(ran.out)["spec"]["containers"][0]["env"]
    assert {"name": "A", "value": "yes"} in env
    out = modelcache("inject", "-f", "-", "-o", "json", stdin=json.dumps(pod)).out
    assert json.loads(out)["spec"]["containers"][0]["env"] == env
    assert "\nspec:\n" in ran.out


def test_json_comes_out_as_kubectl_would_send_it() -> None:
    pod = POD + "  securityContext: {fsGroup: 0644}\n  hostNetwork: on\n"
    spec = json.loads(modelcache("inject", "-f", "-", "-o", "json", stdin=pod).out)["spec"]
    assert (spec["securityContext"]["fsGroup"], spec["hostNetwork"]) == (0o644, True)


def test_the_patch_turns_the_written_pod_into_the_admitted_one() -> None:
    patch = json.loads(modelcache("inject", "-f", "-", "-o", "patch", stdin=POD).out)
    admitted = yaml.safe_load(modelcache("inject", "-f", "-", stdin=POD).out)
    assert jsonpatch.apply_patch(yaml.safe_load(POD), patch) == admitted


def test_a_refused_pod_reads_as_from_the_api_server_and_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "pods.yaml"
    file.write_text(f"{POD}---\n{REFUSED}---\n{FOREIGN}")
    ran = modelcache("inject", "-f", file)
    assert ran.status == 1
    assert ran.err.startswith(
        f'Error from server (Invalid): error when creating "{file}": '
        'admission webhook "inject.modelcache.io" denied the request: MC001 modelcache.io/strategy: '
    )
    assert [d["kind"] for d in yaml.safe_load_all(ran.out)] == ["Pod", "ConfigMap"]


def test_a_refused_workload_is_reported_as_a_refusal_of_its_pods() -> None:
    ran = modelcache("inject", "-f", "-", stdin=workload("Deployment", "cloud"))
    assert (ran.status, ran.out) == (1, "")
    assert (
        'Error from server (Invalid): pods of deployment/llama in "STDIN" would be refused: '
        'admission webhook "inject.modelcache.io" denied the request: MC001'
    ) in ran.err


def test_a_refused_item_is_left_out_of_its_list() -> None:
    items = [yaml.safe_load(text) for text in (REFUSED, POD)]
    ran = modelcache(
        "inject",
        "-f",
        "-",
        stdin=yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}),
    )
    assert ran.status == 1
    assert [item["metadata"]["name"] for item in yaml.safe_load(ran.out)["items"]] == ["llama"]


@pytest.mark.parametrize("output", ["json", "patch"])
def test_refused_objects_are_left_out_of_every_output(output: str) -> None:
    ran = modelcache("inject", "-f", "-", "-o", output, stdin=REFUSED)
    assert (ran.status, ran.out) == (1, "")


def test_a_difference_shows_only_what_changes() -> None:
    ran = modelcache("inject", "-f", "-", "--diff", stdin=FOREIGN + "---\n" + POD)
    assert ran.out.startswith("--- STDIN, document 2 pod/llama, as written\n+++ ")
    removed = [line for line in ran.out.splitlines()[2:] if line.startswith("-")]
    assert removed == ['-        limits: {memory: 24Gi, nvidia.com/gpu: "1"}']
    assert "ConfigMap" not in ran.out
    assert "\x1b" not in ran.out


def test_a_difference_is_coloured_on_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    leader, follower = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm-256color"}
    subprocess.run(
        [sys.executable, "-m", "webhook", "inject", "-f", file, "--diff"],
        stdout=follower, cwd=ROOT, env=env, timeout=60, check=True,
    )  # fmt: skip
    os.close(follower)
    text = os.read(leader, 200).decode()
    os.close(leader)
    assert "\x1b[" in text


@pytest.mark.parametrize("words", [("--explain",), ("--diff",), ("--diff", "--explain")])
def test_a_format_for_programs_is_refused_where_text_is_printed(words: tuple[str, ...]) -> None:
    ran = modelcache("inject", "-f", "-", "-o", "json", *words, stdin=POD)
    assert (ran.status, ran.out) == (2, "")
    assert "--output json: --diff and --explain print text" in ran.err


def test_the_arithmetic_is_explained_in_words() -> None:
    pod = POD.replace("strategy: pvc", "strategy: emptyDir")
    ran = modelcache("inject", "-f", "-", "--explain", stdin=pod)
    sum_ = "24Gi + 16128Mi (model) + 2Gi (/dev/shm) = 42752Mi"
    assert f"memory limit of vllm: {sum_}\n" in ran.out
    assert "16,060,522,496 bytes and 5 %" in ran.out
    assert "as admitted" not in ran.out


def test_the_namespace_of_an_object_decides_which_facts_hold(tmp_path: Path) -> None:
    claim = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: model-store, namespace: ai}
spec: {accessModes: [ReadWriteMany]}
status: {phase: Bound}
"""
    file = tmp_path / "cluster.yaml"
    file.write_text(claim)
    run = ("inject", "-f", "-", "--cluster", file)
    assert modelcache(*run, "-n", "ai", stdin=POD).status == 0
    elsewhere = modelcache(*run, "-n", "web", stdin=POD)
    assert elsewhere.status == 0
    assert "does not exist in namespace web" in elsewhere.err
    assert modelcache(*run, "-n", "ai", stdin=POD).err == ""


def test_the_version_of_the_server_decides_what_it_keeps() -> None:
    pod = POD.replace(
        "strategy: pvc", "strategy: image\n    modelcache.io/image: r/m@sha256:" + "a" * 64
    )
    assert modelcache("inject", "-f", "-", "--kube-version", "1.36", stdin=pod).status == 0
    assert modelcache("inject", "-f", "-", "--kube-version", "v1.34.2", stdin=pod).status == 1


def test_defaults_of_a_limit_range_are_counted(tmp_path: Path) -> None:
    pod = POD.replace('      resources:\n        limits: {memory: 24Gi, nvidia.com/gpu: "1"}\n', "")
    file = tmp_path / "cluster.yaml"
    file.write_text("""\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: LimitRange
    metadata: {name: small, namespace: default}
    spec:
      limits:
        - {type: Container, max: {memory: 64Gi}, min: {memory: 1Gi}, default: {memory: 8Gi}}
""")
    ran = modelcache("inject", "-f", "-", "--cluster", file, stdin=pod)
    resources = yaml.safe_load(ran.out)["spec"]["containers"][0]["resources"]
    # A missing default request becomes the default limit, or else the minimum.
    assert resources == {"limits": {"memory": "10Gi"}, "requests": {"memory": "10Gi"}}


def test_an_excluded_namespace_is_left_alone() -> None:
    ran = modelcache("inject", "-f", "-", "-n", "kube-system", stdin=POD)
    assert (ran.status, ran.out) == (0, POD)


def test_a_closed_pipe_is_not_an_error() -> None:
    run = f"{sys.executable} -m webhook inject -f - | head -c 1"
    many = (FOREIGN + "---\n") * 5000
    done = subprocess.run(
        run, shell=True, input=many.encode(), capture_output=True, cwd=ROOT, timeout=120, check=True
    )
    assert (done.stdout, done.stderr) == (b"k", b"")


def test_a_full_disk_is_reported() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "webhook", "inject", "-f", "-"],
            input=POD.encode(), stdout=full, stderr=subprocess.PIPE, cwd=ROOT, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == b"modelcache: standard output: No space left on device\n"


BY_LABEL = """\
apiVersion: modelcache.io/v1alpha1
kind: CachePolicy
metadata: {name: nonprod}
spec:
  namespaceSelector:
    matchExpressions: [{key: env, operator: NotIn, values: [prod]}]
  defaults: {claim: scratch-models, read-only: "false"}
"""


@pytest.mark.parametrize(
    ("labels", "claim", "warned"),
    [
        (None, "model-store", True),
        ("{}", "scratch-models", False),
        ("{env: dev}", "scratch-models", False),
        ("{env: prod}", "model-store", False),
    ],
)
def test_a_policy_by_label_holds_only_where_the_labels_of_the_namespace_are_known(
    labels: str | None, claim: str, warned: bool, tmp_path: Path
) -> None:
    policy, cluster = tmp_path / "policy.yaml", tmp_path / "cluster.yaml"
    policy.write_text(BY_LABEL)
    name = "other" if labels is None else "ai"
    cluster.write_text(
        f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {labels or '{}'}}}\n"
    )
    ran = modelcache(
        "inject", "-f", "-", "-n", "ai", "--policy", policy, "--cluster", cluster, stdin=POD
    )
    assert ran.status == 0, ran.err
    (volume, _) = yaml.safe_load(ran.out)["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim
    assert ("MC125 CachePolicy nonprod" in ran.err) is warned


def test_init_containers_have_the_user_and_the_secrets_of_the_options() -> None:
    options = ("--loader-user", "1000", "--loader-pull-secret", "a", "--loader-pull-secret", "b")
    pod = POD.replace("strategy: pvc", 'verify: "true"')
    ran = modelcache("inject", "-f", "-", *options, stdin=pod)
    assert ran.status == 0, ran.err
    spec = yaml.safe_load(ran.out)["spec"]
    assert spec["initContainers"][0]["securityContext"]["runAsUser"] == 1000
    assert spec["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]
    ran = modelcache("inject", "-f", "-", "--loader-pull-secret", "A_b", stdin=pod)
    assert ran.status == 2
    assert ran.err.startswith('modelcache: --loader-pull-secret: "A_b" is not a name')
