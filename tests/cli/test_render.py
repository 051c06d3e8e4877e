"""`modelcache render`: the names of its objects, and what they contain of a model."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command import modelcache
from webhook.cli.exit_status import USAGE
from webhook.rendering.loader import PEAK
from webhook.values.quantity import Quantity

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
Object = dict[str, Any]


def rendered(*arguments: str | Path) -> list[Object]:
    ran = modelcache("render", *arguments)
    assert (ran.status, ran.err) == (0, "")
    return list(yaml.safe_load_all(ran.out))


def job(*arguments: str | Path) -> Object:
    (found,) = rendered("--kind", "job", *arguments)
    return found


def command(obj: Object) -> list[str]:
    spec = obj["spec"]["template"]["spec"]
    (found,) = [
        one["command"]
        for one in (*spec.get("initContainers", ()), *spec["containers"])
        if one["name"] == "load"
    ]
    return list(found)


def model(folder: Path, **spec: Any) -> Path:
    document = {
        "apiVersion": "modelcache.io/v1alpha1",
        "kind": "CachedModel",
        "metadata": {"name": "known"},
        "spec": {"source": "acme/known", **spec},
    }
    (folder / "model.yaml").write_text(yaml.safe_dump(document))
    return folder / "model.yaml"


def test_a_name_and_its_source_are_one_job_however_often_they_are_given() -> None:
    asked = ("phi-2", "microsoft/phi-2", "hf://microsoft/phi-2", "phi-2")
    names = [job(one)["metadata"]["name"] for one in asked]
    assert len(set(names)) == 1
    assert job(*asked)["metadata"]["name"] == names[0]


def test_another_revision_or_claim_is_another_job() -> None:
    asked = (["acme/m"], [f"acme/m@{COMMIT}"], ["acme/m@v1"], ["acme/m", "--claim=other"])
    assert len({job(*one)["metadata"]["name"] for one in asked}) == len(asked)


@pytest.mark.parametrize(
    "source",
    [
        f"{'o' * 96}/{'N.' * 48}",
        f"acme/A{'-_' * 30}",
        "https://models.example/" + "d/" * 200 + "+@=",
        f"acme/m@{'r' * 128}",
    ],
)
def test_names_and_labels_are_valid_for_every_name_of_a_model(source: str) -> None:
    for kind in ("job", "daemonset"):
        (found,) = rendered("--kind", kind, source)
        assert LABEL.fullmatch(found["metadata"]["name"])
        for value in found["metadata"]["labels"].values():
            assert re.fullmatch(r"[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?", value)
        assert found["metadata"]["annotations"]["loader.modelcache.io/source"].endswith(source)


def test_the_patterns_of_a_model_are_passed_on_as_they_are(tmp_path: Path) -> None:
    files = {"allow": ["*.json", "$(HOME)/$x"], "ignore": ["--help"]}
    words = command(job("known", "--policy", model(tmp_path, files=files)))
    # The kubelet turns two dollars into one.
    assert words[-3:] == ["--allow=*.json", "--allow=$$(HOME)/$$x", "--ignore=--help"]


def test_loaders_load_the_commit_in_the_status_of_a_cached_model(tmp_path: Path) -> None:
    policy = model(tmp_path, size=1)
    with policy.open("a") as file:
        file.write(f"status: {{revision: {COMMIT}}}\n")
    assert command(job("known", "--policy", policy))[2] == f"hf://acme/known@{COMMIT}"


@pytest.mark.parametrize("flag", ["--hub-cache", "--no-hub-cache", "--safetensors-only"])
def test_flags_are_passed_on_to_loaders(flag: str) -> None:
    for kind in ("job", "daemonset"):
        (found,) = rendered("acme/m", "--kind", kind, flag)
        assert flag in command(found)
        (found,) = rendered("acme/m", "--kind", kind)
        assert flag not in command(found)


def test_the_token_is_only_in_a_file(tmp_path: Path) -> None:
    policy = model(tmp_path, tokenSecretRef={"name": "hub", "key": "read.only"})
    found = job("known", "--policy", policy)
    pod = found["spec"]["template"]["spec"]
    assert "--token-file=/token/read.only" in command(found)
    (secret,) = [one["secret"] for one in pod["volumes"] if "secret" in one]
    assert secret == {
        "secretName": "hub",
        "items": [{"key": "read.only", "path": "read.only"}],
        "defaultMode": 0o440,
    }
    (container,) = pod["containers"]
    assert not [one for one in container["env"] if "TOKEN" in one["name"] or "valueFrom" in one]


@pytest.mark.parametrize(
    ("source", "variable"),
    [
        ("s3://bucket/m", "AWS_SHARED_CREDENTIALS_FILE"),
        ("gs://bucket/m", "GOOGLE_APPLICATION_CREDENTIALS"),
    ],
)
def test_a_bucket_is_read_with_a_file_of_credentials(source: str, variable: str) -> None:
    found = job(source, "--token-secret=keys/file")
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert {"name": variable, "value": "/token/file"} in container["env"]
    assert not [word for word in command(found) if "token" in word]


def test_a_variable_may_use_what_the_node_says_and_nothing_else() -> None:
    found = job("acme/m", "--env-from=IP=status.hostIP", "--env=X=http://$(IP):1/$(HOME)$$(IP)")
    (container,) = found["spec"]["template"]["spec"]["containers"]
    names = [one["name"] for one in container["env"]]
    assert names.index("IP") < names.index("X")
    # The kubelet turns two dollars into one.
    assert {"name": "X", "value": "http://$(IP):1/$$(HOME)$$$(IP)"} in container["env"]


def test_a_node_that_copies_from_the_claim_gets_no_token(tmp_path: Path) -> None:
    policy = model(tmp_path, tokenSecretRef={"name": "hub"})
    (found,) = rendered("known", "--kind=daemonset", "--claim=store", "--policy", policy)
    assert not [one for one in found["spec"]["template"]["spec"]["volumes"] if "secret" in one]
    assert command(found)[2:4] == ["file:///claim/acme--known/main", "/store"]


def test_a_node_may_download_what_the_claim_does_not_hold(tmp_path: Path) -> None:
    policy = model(tmp_path, tokenSecretRef={"name": "hub"})
    flags = ("--kind=daemonset", "--claim=store", "--or-source", "--policy", policy)
    (found,) = rendered("known", *flags)
    words = command(found)
    assert words[2:4] == ["hf://acme/known", "/store"]
    assert "--first=file:///claim/acme--known/main" in words
    assert "--token-file=/token/token" in words


@pytest.mark.parametrize("flags", [["--kind=job"], ["--kind=daemonset"], ["--claim=store"]])
def test_or_source_without_a_claim_is_a_mistake(flags: list[str]) -> None:
    ran = modelcache("render", "acme/m", "--or-source", *flags)
    assert ran.status == USAGE
    assert "--or-source: has no effect without --kind daemonset and --claim" in ran.err


def test_strings_that_yaml_could_read_otherwise_stay_strings() -> None:
    values = {"a": "1e3", "b": "on", "c": "0x1F", "d": "2026-01-01", "e": "1_000", "f": "null"}
    flags = [f"--node-selector={key}={value}" for key, value in values.items()]
    (found,) = rendered("acme/m", "--kind=daemonset", "--env=X=12:30: #", *flags)
    spec = found["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == values
    assert {"name": "X", "value": "12:30: #"} in spec["initContainers"][-1]["env"]


def test_the_limit_of_a_loader_is_above_its_measured_peak() -> None:
    (container,) = job("acme/m")["spec"]["template"]["spec"]["containers"]
    amounts = container["resources"]
    assert amounts["limits"]["memory"] == amounts["requests"]["memory"]
    assert Quantity.parse(amounts["limits"]["memory"]) > PEAK


def test_the_job_ends_after_its_loader_would_have() -> None:
    assert job("acme/m", "--deadline=90m")["spec"]["activeDeadlineSeconds"] > 90 * 60


def test_wrong_arguments_of_load_end_the_job_at_once() -> None:
    (_, rule) = job("acme/m")["spec"]["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == [USAGE]


def test_a_claim_holds_two_revisions_of_every_model() -> None:
    found, *_ = rendered("phi-2", "mistral-7b-instruct")
    storage = Quantity.parse(found["spec"]["resources"]["requests"]["storage"])
    assert storage > 2 * (5_559_367_680 + 14_496_047_104)
    ran = modelcache("render", "phi-2", "--size=1Gi")
    assert "--size: 1Gi is less than the 5302Mi of the models" in ran.err


def test_a_token_of_another_namespace_is_a_mistake_only_if_it_is_mounted(tmp_path: Path) -> None:
    policy = model(tmp_path, size=1, tokenSecretRef={"name": "hub", "namespace": "a"})
    assert rendered("known", "--kind=pvc", "--policy", policy)
    assert rendered("known", "--kind=daemonset", "--claim=c", "--policy", policy)
    assert job("known", "--namespace=a", "--policy", policy)
    ran = modelcache("render", "known", "--namespace=b", "--policy", policy)
    assert (ran.status, ran.out) == (2, "")
    assert (
        "known: its token is in namespace a, and a pod can mount only Secrets of its own" in ran.err
    )
