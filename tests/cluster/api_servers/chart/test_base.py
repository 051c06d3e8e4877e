"""The chart and the kustomize base have the same objects, each in a working order."""

import json
from pathlib import Path

import pytest
import yaml

from tests.cluster.api_servers.chart.rendering import kustomized, refuses_what_was_missed
from tests.kubernetes import binaries, helm, manifests
from tests.kubernetes.api import Object
from tests.kubernetes.registration import DEPLOY, REQUIRED
from webhook import __version__


def key(obj: Object) -> str:
    return json.dumps(obj, sort_keys=True)


def test_the_files_of_the_base_are_what_the_chart_yields() -> None:
    written = {
        name: (DEPLOY / name).read_text() for name in helm.base() if (DEPLOY / name).exists()
    }
    assert written == helm.base(), "run make manifests, and read the difference"


def test_no_file_of_the_base_is_left_out() -> None:
    listed = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted([*helm.base(), "namespace.yaml"])
    files = [path.name for path in DEPLOY.iterdir() if path.name != "chart"]
    assert sorted([*listed, "kustomization.yaml"]) == sorted(files)


def test_helm_and_kustomize_yield_the_same_objects() -> None:
    namespaces = [obj for obj in kustomized() if obj["kind"] == "Namespace"]
    assert [obj["metadata"]["name"] for obj in namespaces] == [helm.NAMESPACE]  # helm makes its own
    others = [obj for obj in kustomized() if obj["kind"] != "Namespace"]
    assert sorted(map(key, others)) == sorted(map(key, helm.objects()))


def test_comments_that_explain_a_line_survive() -> None:
    for name, text in helm.base().items():
        template = (helm.CHART / "templates" / name).read_text()
        assert "# " in template, name
        assert len([line for line in text.splitlines() if "# " in line]) > 1, name


def test_what_refuses_pods_is_first_of_the_base_after_the_definitions() -> None:
    first = [(obj["kind"], obj["metadata"]["name"]) for obj in kustomized()][:11]
    assert first[:4] == [
        ("CustomResourceDefinition", "cachedmodels.modelcache.io"),
        ("CustomResourceDefinition", "cachepolicies.modelcache.io"),
        ("MutatingWebhookConfiguration", REQUIRED),
        ("MutatingWebhookConfiguration", "zz-modelcache"),
    ]
    assert [kind for kind, _ in first[4:]] == [
        *["ValidatingAdmissionPolicyBinding"] * 3,
        *["ValidatingAdmissionPolicy"] * 3,
        "Namespace",
    ]


# P1 91
def test_an_installation_refuses_nothing_before_a_replica_serves() -> None:
    for values in ({}, {"failurePolicy": "Fail"}):
        for obj in helm.objects(values):
            if obj["kind"] == "ValidatingAdmissionPolicyBinding" and refuses_what_was_missed(obj):
                assert obj["spec"]["validationActions"] == ["Audit"]
            for hook in obj.get("webhooks", []):
                assert hook["failurePolicy"] == "Ignore"


def test_helm_finds_nothing_to_lint() -> None:
    said = helm.helm("lint", "--strict", helm.CHART, "--namespace", helm.NAMESPACE)
    assert "1 chart(s) linted, 0 chart(s) failed" in said
    assert "[WARNING]" not in said


def test_the_chart_has_the_version_of_the_program() -> None:
    chart = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())
    assert (chart["name"], chart["version"], chart["appVersion"]) == (
        "modelcache",
        __version__,
        __version__,
    )


def test_make_manifests_writes_the_compared_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "DEPLOY", tmp_path)
    manifests.main()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == helm.base()


def test_helm_4_prints_the_same_objects() -> None:
    words = ("template", helm.RELEASE, helm.CHART, "--namespace", helm.NAMESPACE)
    flags = ("--kube-version", helm.KUBE_VERSION, "--set", "failurePolicy=Fail")
    three, four = (
        sorted(yaml.safe_load_all(helm.helm(*words, *flags, program=program)), key=key)
        for program in (binaries.HELM, binaries.HELM_4)
    )
    assert three == four
    assert len(three) > 10
