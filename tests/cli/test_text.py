"""`modelcache inject` keeps the author's text: comments, order, quotes."""

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.command import FOREIGN, POD, modelcache, workload
from tests.cli.test_inject import mounts


def test_documents_that_do_not_concern_us_come_back_byte_for_byte() -> None:
    stream = (
        "\ufeff# a comment\n---\n" + FOREIGN + "--- # next\r\nx:  [ 1,2 ]\r\n...\n# end\n---\n"
        "kind: Pod\nmetadata: {name:   plain}\n---\n---\n%s: y"
    )
    ran = modelcache("inject", "-f", "-", stdin=stream.replace("%s", "z"))
    assert ran.status == 0
    assert ran.raw == stream.replace("%s", "z").encode()


def test_the_lines_of_the_author_are_kept() -> None:
    pod = """\
# what this is
apiVersion: v1
kind: Pod
metadata: { name:  llama,   annotations: { "modelcache.io/model": phi-2 } }   # flow
spec:
  # before the containers
  containers:
  - name: 'vllm'    # in quotes
    image: "vllm/vllm-openai:v0.6.4"
    args: [ "--a",
            "--b" ]
    env:
    - {name: A, value: 'yes'}

    command:
    -   sh     # wide
    - |
      # not a comment
      exec   vllm
  # after them
  restartPolicy: Never   # last
"""
    lines = modelcache("inject", "-f", "-", stdin=pod).out.splitlines()
    kept = [line for line in pod.splitlines() if "metadata:" not in line]
    assert [line for line in lines if line in kept] == kept
    assert "  - name: modelcache-model" in lines


@pytest.mark.parametrize("dash", ["", "  ", "    "])
def test_sequences_are_indented_as_the_author_does(dash: str) -> None:
    head, item = POD.split("containers:\n")
    lines = (f"  {dash}{line[4:]}" for line in item.splitlines(keepends=True))
    pod = head + "containers:\n" + "".join(lines)
    ran = modelcache("inject", "-f", "-", stdin=pod)
    assert f"\n  {dash}- name: modelcache-model\n" in ran.out
    assert f"\n  {dash}  volumeMounts:\n  {dash}  {dash}- name: modelcache-model\n" in ran.out


def test_windows_line_ends_are_kept() -> None:
    ran = modelcache("inject", "-f", "-", stdin=POD.replace("\n", "\r\n"))
    assert b"modelcache-model\r\n" in ran.raw
    assert b"\n" not in ran.raw.replace(b"\r\n", b"")


def test_a_patch_changes_only_one_of_two_aliases() -> None:
    pod = POD.replace("limits: {memory: 24Gi", "limits: &l {memory: 24Gi") + (
        "    - name: other\n      image: busybox\n      resources:\n        limits: *l\n"
    )
    first, other = yaml.safe_load(modelcache("inject", "-f", "-", stdin=pod).out)["spec"][
        "containers"
    ]
    assert first["resources"]["limits"]["memory"] == "26Gi"
    assert other["resources"]["limits"]["memory"] == "24Gi"


def test_merge_keys_mean_what_they_mean_to_kubectl() -> None:
    pod = POD.replace("      resources:\n", "      <<: &r {workingDir: /w}\n      resources:\n")
    pod += "    - <<: *r\n      name: other\n      image: busybox\n"
    found = yaml.safe_load(modelcache("inject", "-f", "-", stdin=pod).out)
    assert [c["workingDir"] for c in found["spec"]["containers"]] == ["/w", "/w"]
    assert mounts(found)


def test_files_without_a_separator_stay_separate_documents(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FOREIGN.rstrip("\n"))
    (tmp_path / "b.yaml").write_text("---\n" + POD)
    (tmp_path / "c.yml").write_text(FOREIGN)
    ran = modelcache("inject", "-f", tmp_path)
    assert [d["kind"] for d in yaml.safe_load_all(ran.out)] == ["ConfigMap", "Pod", "ConfigMap"]


def test_a_copied_word_that_some_parsers_read_as_a_boolean_is_quoted() -> None:
    ran = modelcache(
        "inject", "-f", "-",
        stdin=workload("Deployment").replace("strategy: pvc", 'claim: "on"'),
    )  # fmt: skip
    template = yaml.safe_load(ran.out)["spec"]["template"]
    assert template["metadata"]["annotations"]["modelcache.io/claim"] == "on"


def test_a_byte_order_mark_is_not_part_of_the_first_key() -> None:
    ran = modelcache("inject", "-f", "-", stdin="\ufeff" + POD)
    assert ran.raw.startswith(b"\xef\xbb\xbfapiVersion: v1\n")
    assert mounts(yaml.safe_load(ran.out.removeprefix("\ufeff")))


LONG = "#" * 300_000 + "\n"


def test_a_long_document_without_our_name_is_passed_on_unread() -> None:
    broken = LONG + "\tno: [yaml\r\n"
    ran = modelcache("inject", "-f", "-", stdin=broken + "---\n" + POD)
    assert (ran.status, ran.err) == (0, "")
    assert ran.raw.startswith(broken.encode() + b"---\n")
    assert "mountPath: /dev/shm" in ran.out
    assert modelcache("check", "-f", "-", stdin=broken).status == 0
    assert modelcache("inject", "-f", "-", "-o", "json", stdin=broken).status == 2
    assert modelcache("inject", "-f", "-", stdin="#\n\tno: [yaml\r\n").status == 2


@pytest.mark.parametrize("slash", ["/", r"\/"])
def test_a_long_document_that_names_us_is_read(slash: str) -> None:
    pod = yaml.safe_load(POD)
    pod["metadata"]["annotations"]["note"] = LONG
    text = json.dumps(pod).replace("modelcache.io/", "modelcache.io" + slash)
    ran = modelcache("inject", "-f", "-", stdin=text)
    assert "/dev/shm" in mounts(yaml.safe_load(ran.out))
