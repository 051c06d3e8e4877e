"""The Deployment, and the objects next to it, by the chart's values."""

from typing import Any

import pytest
import yaml

from tests.cluster.api_servers.chart.rendering import (
    MODES,
    OF_SERVE,
    POLICY,
    args,
    named,
    only,
    pod,
    refuses_what_was_missed,
    rendered,
)
from webhook.objects.names import DEFAULT_LOADER_IMAGE


# P1 89
def test_one_replica_has_no_disruption_budget_and_two_keep_one() -> None:
    assert "PodDisruptionBudget" not in rendered({"replicas": 1})
    for count in (2, 3):
        kinds = rendered({"replicas": count})
        (budget,) = kinds["PodDisruptionBudget"]
        assert budget["spec"]["minAvailable"] == 1
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        (deployment,) = kinds["Deployment"]
        assert deployment["spec"]["replicas"] == count
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()


# P1 89
def test_replicas_are_spread_over_zones_and_nodes_and_go_before_what_they_serve() -> None:
    spec = pod()
    keys = [one["topologyKey"] for one in spec["topologySpreadConstraints"]]
    assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert spec["priorityClassName"] == "system-cluster-critical"


# P1 89
@pytest.mark.parametrize("values", MODES, ids=named)
def test_no_mode_gives_a_container_more_than_it_needs(values: dict[str, Any]) -> None:
    spec = pod(values)
    (container,) = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert "cpu" not in container["resources"]["limits"]
    assert spec["automountServiceAccountToken"] is values["controller"]
    kinds = rendered(values)
    assert kinds["ServiceAccount"][0]["automountServiceAccountToken"] is False
    assert ("Role" in kinds) is ("ClusterRoleBinding" in kinds) is values["controller"]


@pytest.mark.parametrize("values", MODES, ids=named)
def test_a_mounted_secret_is_read_only_and_never_that_of_the_authority(
    values: dict[str, Any],
) -> None:
    spec = pod(values)
    secrets = [one["secret"]["secretName"] for one in spec.get("volumes", []) if "secret" in one]
    mode = values["certificates"]["mode"]
    assert secrets == ([] if mode == "self" else ["modelcache-webhook-tls"])
    assert all(mount["readOnly"] for mount in spec["containers"][0].get("volumeMounts", []))


@pytest.mark.parametrize("values", MODES, ids=named)
def test_every_argument_is_an_option_of_serve(values: dict[str, Any]) -> None:
    more = {"policy": POLICY, "selfCheck": True, "imageVolumes": True}
    words = args(values | more | {"extraArgs": ["--host=::"]})
    assert words[0] == "serve"
    assert {word.partition("=")[0] for word in words[1:]} <= OF_SERVE


@pytest.mark.parametrize("values", MODES, ids=named)
def test_enforcement_is_left_to_a_controller_if_there_is_one(values: dict[str, Any]) -> None:
    kinds, words = rendered(values), args(values)
    configuration = only(kinds, "MutatingWebhookConfiguration", "zz-modelcache")
    policies, bindings = (
        list(filter(refuses_what_was_missed, kinds.get(f"ValidatingAdmissionPolicy{what}", [])))
        for what in ("", "Binding")
    )
    failures = {hook["failurePolicy"] for hook in configuration["webhooks"]}
    assert ("--enforce-after=30s" in words) is values["controller"]
    actions = [one["spec"]["validationActions"] for one in bindings]
    if values["failurePolicy"] == "Fail":
        assert not actions + policies
        assert failures == ({"Ignore"} if values["controller"] else {"Fail"})
        assert ("--failure-policy=Fail" in words) is values["controller"]
        assert not [word for word in words if word.startswith("--enforce=")]
        return
    assert failures == {"Ignore"}
    assert actions == [["Audit"] if values["controller"] else ["Audit", "Deny"]] * 3
    wanted = [f"--enforce={one['metadata']['name']}" for one in bindings]
    enforced = [word for word in words if word.startswith("--enforce=")]
    assert sorted(enforced) == (sorted(wanted) if values["controller"] else [])


def test_there_is_time_to_finish_before_the_kill() -> None:
    spec = pod({"shutdown": {"preStop": 7, "delay": 11, "drain": 13}})
    (container,) = spec["containers"]
    assert container["lifecycle"]["preStop"] == {"sleep": {"seconds": 7}}
    assert {"--shutdown-delay=11", "--drain=13"} <= set(container["args"])
    assert spec["terminationGracePeriodSeconds"] == 7 + 11 + 13 + 10


def test_a_server_without_the_sleep_hook_gets_no_pre_stop() -> None:
    old = {"kubeVersion": "1.29", "failurePolicy": "Fail"}
    assert "lifecycle" not in pod(old)["containers"][0]
    assert "lifecycle" not in pod({"shutdown": {"preStop": 0}})["containers"][0]


def test_hosts_network_has_the_ports_of_the_node_and_room_for_a_rollout() -> None:
    values = {"hostNetwork": True, "port": 9443, "healthPort": 9080}
    spec = pod(values)
    assert (spec["hostNetwork"], spec["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
    ports = {one["name"]: one["containerPort"] for one in spec["containers"][0]["ports"]}
    assert ports == {"https": 9443, "health": 9080}
    assert {"--port=9443", "--health-port=9080"} <= set(spec["containers"][0]["args"])
    (deployment,) = rendered(values)["Deployment"]
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    (deployment,) = rendered({**values, "replicas": 1})["Deployment"]
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_loader_has_the_same_image() -> None:
    digest = "sha256:" + "0" * 64
    for image, wanted in (
        ({}, DEFAULT_LOADER_IMAGE),
        ({"repository": "registry.example.com/m", "tag": "v9"}, "registry.example.com/m:v9"),
        ({"digest": digest, "tag": "v9"}, f"modelcache/modelcache-webhook@{digest}"),
    ):
        spec = pod({"image": image})
        assert spec["containers"][0]["image"] == wanted
        assert f"--loader-image={wanted}" in spec["containers"][0]["args"]
    assert "--loader-image=other:1" in args({"loaderImage": "other:1"})


def test_loaders_that_download_get_the_variables_that_the_admin_gives() -> None:
    variables = {"HF_ENDPOINT": "https://hub.example", "NO_PROXY": ".svc, 10.0.0.0/8"}
    found = args({"loaderEnv": variables})
    assert {f"--loader-env={name}={value}" for name, value in variables.items()} <= set(found)


def test_user_and_pull_secrets_of_init_containers_are_passed_on_if_they_are_given() -> None:
    given = args({"loaderUser": 2000000000, "loaderPullSecrets": ["registry", "mirror"]})
    assert "--loader-user=2000000000" in given
    found = [word for word in given if word.startswith("--loader-pull-secret=")]
    assert found == ["--loader-pull-secret=registry", "--loader-pull-secret=mirror"]
    assert not [word for word in args() if word.startswith(("--loader-user", "--loader-pull"))]


def test_documents_of_the_platform_are_mounted_and_a_change_is_a_rollout() -> None:
    kinds = rendered({"policy": POLICY})
    (documents,) = kinds["ConfigMap"]
    assert list(yaml.safe_load_all(documents["data"]["policy.yaml"])) == POLICY
    spec = pod({"policy": POLICY})
    assert {"name": "policy", "configMap": {"name": documents["metadata"]["name"]}} in spec[
        "volumes"
    ]
    assert "--policy=/policy/policy.yaml" in spec["containers"][0]["args"]
    sums = {
        rendered({"policy": documents})["Deployment"][0]["spec"]["template"]["metadata"][
            "annotations"
        ]["checksum/policy"]
        for documents in (POLICY, POLICY[:1])
    }
    assert len(sums) == 2


def test_node_selectors_are_passed_on() -> None:
    given: dict[str, Any] = {
        "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    }
    assert pod(given).items() >= given.items()
    pulled = pod({"image": {"pullSecrets": ["registry"], "pullPolicy": "Always"}})
    assert pulled["imagePullSecrets"] == [{"name": "registry"}]
    assert pulled["containers"][0]["imagePullPolicy"] == "Always"
    labelled = rendered({"podLabels": {"a": "1"}, "podAnnotations": {"b": "2"}})["Deployment"][0]
    metadata = labelled["spec"]["template"]["metadata"]
    assert metadata["labels"]["a"] == "1"
    assert metadata["annotations"] == {"b": "2"}


def test_namespaces_are_left_alone_by_webhooks_and_policies_alike() -> None:
    kinds = rendered({"excludedNamespaces": ["kube-system", "ingress"]})
    selectors = [
        one["namespaceSelector"]
        for configuration in kinds["MutatingWebhookConfiguration"]
        for one in configuration["webhooks"]
    ]
    selectors += [
        one["spec"]["matchConstraints"]["namespaceSelector"]
        for one in filter(refuses_what_was_missed, kinds["ValidatingAdmissionPolicy"])
    ]
    values = [one["matchExpressions"][0]["values"] for one in selectors]
    assert values == [["modelcache-system", "kube-system", "ingress"]] * 5


@pytest.mark.parametrize("values", MODES, ids=named)
def test_without_a_fixed_user_the_platform_may_choose_every_id(values: dict[str, Any]) -> None:
    assert pod(values)["securityContext"].items() >= {"runAsUser": 65532, "fsGroup": 65532}.items()
    free = pod(values | {"fixedUser": False})
    # restricted-v2 of OpenShift refuses an id that is not in the range of the namespace.
    assert free["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert not {"runAsUser", "runAsGroup"} & set(free["containers"][0]["securityContext"])
