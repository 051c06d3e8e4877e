"""The chart and the base in a real API server: installed, applied again, removed in order."""

import base64
from collections.abc import Iterator

import pytest

from tests.admission.rules import MODES
from tests.docs import manual
from tests.kubernetes import helm
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane, Options
from tests.kubernetes.registration import DEPLOY, GROUP, REQUIRED, RULES, wait_until
from webhook.custom_resources.definitions import definitions

BUNDLE = base64.b64encode(
    b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
).decode()


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A new control plane, because the configuration has one name."""
    plane = ControlPlane(Options(audit=True, controller_manager=False))
    yield plane
    plane.stop()


def become_strict(plane: ControlPlane) -> None:
    """Write to the objects what a replica writes once it serves."""
    for name in ("modelcache-injected", "modelcache-copied", "modelcache-resized"):
        binding = plane.api.get(GROUP, "ValidatingAdmissionPolicyBinding", name).expect().body
        assert binding["spec"]["validationActions"] == ["Audit"]
        binding["spec"]["validationActions"] = ["Audit", "Deny"]
        plane.api.replace(binding).expect()
    configuration = registered(plane)
    for hook in configuration["webhooks"]:
        hook["clientConfig"]["caBundle"] = BUNDLE
    plane.api.replace(configuration).expect()


def registered(plane: ControlPlane) -> Object:
    return plane.api.get(GROUP, "MutatingWebhookConfiguration", "zz-modelcache").expect().body


def bundles(plane: ControlPlane) -> list[str]:
    return [hook["clientConfig"].get("caBundle", "") for hook in registered(plane)["webhooks"]]


def deletions(plane: ControlPlane, since: int) -> list[tuple[str, str]]:
    """Return what was deleted since an event, in order, as (resource, name)."""
    return [
        (event["objectRef"]["resource"], event["objectRef"].get("name", ""))
        for event in plane.audit_events()[since:]
        if event["verb"] == "delete"
        and event["stage"] == "ResponseComplete"
        and event["responseStatus"]["code"] == 200
        and event["user"]["username"] == "admin"
    ]


def gone_first(order: list[tuple[str, str]]) -> bool:
    """Whether the objects that refuse pods were deleted before anything that they need."""
    hooks = [n for n, (one, _) in enumerate(order) if one == "mutatingwebhookconfigurations"]
    needed = [n for n, (one, _) in enumerate(order) if one in ("deployments", "services", "roles")]
    assert len(needed) == 3
    first = [order[n][1] for n in hooks][:2]
    return first == [REQUIRED, "zz-modelcache"] and max(hooks) < min(needed)


def everything(plane: ControlPlane) -> list[str]:
    """Return the webhook's objects that are left in the cluster."""
    kinds = ",".join((
        "validatingadmissionpolicybindings", "validatingadmissionpolicies", "clusterroles",
        "mutatingwebhookconfigurations", "clusterrolebindings",
    ))  # fmt: skip
    done = plane.kubectl("get", kinds, "-o", "name")
    assert done.returncode == 0, done.stderr
    return [name for name in done.stdout.split() if "modelcache" in name]


def test_what_helm_puts_in_their_place_for_a_moment_does_nothing() -> None:
    for values, names in (
        ({}, [REQUIRED, "zz-modelcache"]),
        ({"failurePolicy": "Fail"}, ["zz-modelcache"]),
    ):
        hooks = helm.objects(values, "--show-only", "templates/uninstall.yaml")
        hooks.sort(key=lambda obj: int(obj["metadata"]["annotations"]["helm.sh/hook-weight"]))
        assert [obj["metadata"]["name"] for obj in hooks] == names
        for obj in hooks:
            assert obj["kind"] == "MutatingWebhookConfiguration"
            assert obj["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"
            assert obj["webhooks"] == []
            assert "labels" not in obj["metadata"]  # by which the policies know what is required


# P1 90, P1 64
def test_helm_keeps_the_bundle_on_upgrade_and_removes_what_refuses_pods_first(
    plane: ControlPlane,
) -> None:
    where = ("--namespace", helm.NAMESPACE)
    helm.helm("install", "modelcache", helm.CHART, *where, "--create-namespace", plane=plane)
    try:
        become_strict(plane)
        helm.helm("upgrade", "modelcache", helm.CHART, *where, "--set", "replicas=3", plane=plane)
        assert bundles(plane) == [BUNDLE, BUNDLE]
        profile = ("--set", "failurePolicy=Fail")
        helm.helm("upgrade", "modelcache", helm.CHART, *where, *profile, plane=plane)
        policies = [name for name in everything(plane) if "validatingadmission" in name]
        left = {name.rpartition("/")[2] for name in policies}
        assert left == {"modelcache-registration", *(f"{RULES}{mode}" for mode in MODES)}
        helm.helm("rollback", "modelcache", "1", *where, plane=plane)
        assert bundles(plane) == [BUNDLE, BUNDLE]
        become_strict(plane)
    finally:
        since = len(plane.audit_events())
        helm.helm("uninstall", "modelcache", *where, plane=plane)
    assert gone_first(deletions(plane, since))
    assert not everything(plane)


def test_helm_leaves_the_definitions_and_everybodys_objects_and_takes_them_over_again(
    plane: ControlPlane,
) -> None:
    where = ("--namespace", helm.NAMESPACE)
    kinds = [one["metadata"]["name"] for one in definitions()]
    model: Object = {
        "apiVersion": "modelcache.io/v1alpha1",
        "kind": "CachedModel",
        "metadata": {"name": "kept"},
        "spec": {"source": "org/name"},
    }

    def defined(name: str) -> bool:
        return plane.api.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name).ok

    helm.helm("install", "modelcache", helm.CHART, *where, "--create-namespace", plane=plane)
    try:
        wait_until(lambda: plane.api.create(model, dry_run=True).ok, "the kinds are served")
        plane.api.create(model).expect(201)
        helm.helm("uninstall", "modelcache", *where, plane=plane)
        assert all(map(defined, kinds))
        helm.helm("install", "modelcache", helm.CHART, *where, plane=plane)
        without = ("--set", "crds.install=false")
        helm.helm("upgrade", "modelcache", helm.CHART, *where, *without, plane=plane)
        assert all(map(defined, kinds))
        assert plane.api.get(model["apiVersion"], model["kind"], "kept").ok
        helm.helm("uninstall", "modelcache", *where, plane=plane)
    finally:
        line = manual.line("kubectl delete customresourcedefinition").removeprefix("kubectl ")
        assert plane.kubectl(*line.split()).returncode == 0
    assert not any(map(defined, kinds))


def test_helm_takes_over_definitions_that_somebody_applied_only_if_it_is_told_to(
    plane: ControlPlane,
) -> None:
    words = (
        "install",
        "modelcache",
        helm.CHART,
        "--namespace",
        helm.NAMESPACE,
        "--create-namespace",
    )
    for definition in definitions():
        plane.api.create(definition).expect(201)
    try:
        with pytest.raises(helm.RefusedError, match="invalid ownership metadata"):
            helm.helm(*words, plane=plane)
        helm.helm(*words, "--take-ownership", plane=plane)
        helm.helm("uninstall", "modelcache", "--namespace", helm.NAMESPACE, plane=plane)
    finally:
        for definition in definitions():
            plane.api.delete(definition).expect()


def test_helm_uninstalls_a_release_that_was_switched_off_by_hand(plane: ControlPlane) -> None:
    line = manual.line("kubectl delete mutating").removeprefix("kubectl ")
    where = ("--namespace", helm.NAMESPACE)
    helm.helm("install", "modelcache", helm.CHART, *where, "--create-namespace", plane=plane)
    try:
        become_strict(plane)
        assert plane.kubectl(*line.split()).returncode == 0
        assert not [name for name in everything(plane) if "webhookconfiguration" in name]
    finally:
        helm.helm("uninstall", "modelcache", *where, plane=plane)
    assert not everything(plane)


# P1 90, P1 64
def test_kubectl_keeps_the_bundle_and_removes_what_refuses_pods_first(
    plane: ControlPlane,
) -> None:
    def kubectl(*words: str) -> None:
        done = plane.kubectl(*words, "-k", str(DEPLOY))
        assert done.returncode == 0, done.stderr

    kubectl("apply")
    try:
        become_strict(plane)
        kubectl("apply")
        assert bundles(plane) == [BUNDLE, BUNDLE]
        become_strict(plane)
    finally:
        since = len(plane.audit_events())
        kubectl("delete", "--wait=false", "--ignore-not-found")
    assert gone_first(deletions(plane, since))
    assert not everything(plane)
