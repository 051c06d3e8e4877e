"""The init containers that we add: their place, their user, and what they can't read."""

import pytest

from tests.admission.admitting import (
    Json,
    Webhook,
    cache_policy,
    facts_of,
    in_memory,
    named,
    pod_of,
    policy_of,
)

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"
VERIFY = {"strategy": "pvc", "verify": "true"}
SOURCE = in_memory(load_from="source")


def container(name: str, *, sidecar: bool = False, mounts: bool = False) -> Json:
    found: Json = {"name": name, "image": "example.com/x:1"}
    found |= {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}
    if sidecar:
        found["restartPolicy"] = "Always"
    if mounts:
        found["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    return found


def native(name: str) -> Json:
    return container(name, sidecar=True)


PLACES: list[tuple[Json, list[Json], int]] = [
    (SOURCE, [], 0),
    (SOURCE, [container("own")], 0),
    (SOURCE, [container("istio-validation"), native("istio-proxy"), container("own")], 2),
    (SOURCE, [native("istio-proxy"), container("own")], 1),
    (SOURCE, [container("istio-init"), native("istio-proxy"), container("own")], 0),
    (SOURCE, [container("istio-init"), container("own")], 0),
    (SOURCE, [container("linkerd-network-validator"), native("linkerd-proxy")], 2),
    (SOURCE, [container("linkerd-init"), native("linkerd-proxy")], 0),
    (SOURCE, [container("kuma-validation"), native("kuma-sidecar"), native("logs")], 2),
    (SOURCE, [container("kuma-init"), native("kuma-sidecar")], 0),
    (SOURCE, [native("logs"), container("own")], 0),
    (in_memory(), [container("istio-validation"), native("istio-proxy")], 0),
    (in_memory(), [native("gke-gcsfuse-sidecar"), native("istio-proxy")], 1),
    (SOURCE, [native("gke-gcsfuse-sidecar"), native("istio-proxy")], 2),
    (VERIFY, [native("gke-gcsfuse-sidecar"), container("own")], 1),
    (VERIFY, [container("gke-gcsfuse-sidecar"), container("own")], 0),
    (VERIFY, [container("istio-validation"), native("istio-proxy")], 0),
]


@pytest.mark.parametrize(("asked", "there", "index"), PLACES)
def test_ours_go_behind_a_sidecar_only_if_it_makes_their_network_or_serves_their_files(
    asked: Json, there: list[Json], index: int, webhook: Webhook
) -> None:
    answer = webhook.admit(pod_of(asked, limit="24Gi", initContainers=there))
    found = answer.spec["initContainers"]
    assert [one["name"] for one in found if not one["name"].startswith("modelcache-")] == [
        one["name"] for one in there
    ]
    assert found[index]["name"].startswith("modelcache-")
    assert not [code for code in answer.codes if code == "MC129"]
    assert webhook.admit(answer.admitted, raw=True).adds_nothing


@pytest.mark.parametrize(
    ("validates", "proxy"),
    [
        ("istio-validation", "istio-proxy"),
        ("linkerd-network-validator", "linkerd-proxy"),
        ("kuma-validation", "kuma-sidecar"),
    ],
)
def test_a_loader_that_has_no_network_yet_is_warned_about(
    validates: str, proxy: str, webhook: Webhook
) -> None:
    pod = pod_of(SOURCE, limit="24Gi", initContainers=[container(validates)])
    pod["spec"]["containers"].append(container(proxy))
    answer = webhook.admit(pod)
    assert answer.spec["initContainers"][0]["name"] == "modelcache-loader"
    (said,) = [line for line in answer.warnings if line.startswith("MC129")]
    assert f"before {proxy} runs" in said
    assert not [c for c in webhook.admit(pod_of(VERIFY, **pod["spec"])).codes if c == "MC129"]


def test_a_loader_never_comes_after_a_sidecar_that_reads_the_model(webhook: Webhook) -> None:
    there = [native("server"), container("istio-validation"), native("istio-proxy")]
    asked = {**SOURCE, "containers": "server"}
    answer = webhook.admit(pod_of(asked, limit="24Gi", initContainers=there))
    assert answer.spec["initContainers"][0]["name"] == "modelcache-loader"
    assert "MC129" in answer.codes


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (in_memory(), "modelcache-loader"),
        (SOURCE, "modelcache-loader"),
        (VERIFY, "modelcache-verify"),
    ],
)
def test_an_empty_volume_is_where_the_token_would_be(
    asked: Json, name: str, webhook: Webhook
) -> None:
    answer = webhook.admit(pod_of(asked, limit="24Gi"))
    hidden = [m for m in answer.init(name)["volumeMounts"] if m["mountPath"] == TOKEN]
    assert hidden == [{"name": "modelcache-no-token", "mountPath": TOKEN, "readOnly": True}]
    volume = answer.volume("modelcache-no-token")
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Mi"}
    assert not [m for m in answer.container()["volumeMounts"] if m["mountPath"] == TOKEN]
    assert webhook.admit(answer.admitted, raw=True).adds_nothing


def test_a_pod_that_gets_no_token_gets_no_empty_volume(webhook: Webhook) -> None:
    plain = webhook.admit(pod_of({"strategy": "pvc"}))
    off = webhook.admit(pod_of(in_memory(), limit="24Gi", automountServiceAccountToken=False))
    for answer in (plain, off):
        assert "modelcache-no-token" not in [v["name"] for v in answer.spec["volumes"]]


def test_a_volume_of_the_author_is_not_mounted_in_place_of_the_token(webhook: Webhook) -> None:
    theirs = {"name": "modelcache-no-token", "secret": {"secretName": "s"}}
    answer = webhook.admit(pod_of(in_memory(), limit="24Gi", volumes=[theirs]))
    assert answer.codes == ["MC010"]


USERS: list[tuple[Json, str | None, int | None, int | None]] = [
    # pod's security context, default of the CachePolicy, --loader-user, runAsUser
    ({}, None, None, None),
    ({"runAsUser": 1001}, None, None, None),
    ({"runAsUser": 0}, None, None, 65532),
    ({"runAsUser": 0}, None, 2000, 2000),
    ({}, None, 2000, 2000),
    ({}, "3000", 2000, 3000),
    ({"runAsUser": 0}, "3000", None, 3000),
]


@pytest.mark.parametrize(("security", "default", "flag", "user"), USERS)
def test_the_user_is_that_of_the_policy_else_of_the_installation_else_of_the_pod(
    security: Json, default: str | None, flag: int | None, user: int | None
) -> None:
    policy = policy_of(cache_policy(defaults={"loader-user": default} if default else {}))
    webhook = Webhook(facts=facts_of({"loader_user": flag}), policy=policy)
    for asked in (in_memory(), SOURCE, VERIFY):
        spec = webhook.admit(pod_of(asked, limit="24Gi", securityContext=security)).spec
        (ours,) = spec["initContainers"]
        assert ours["securityContext"].get("runAsUser") == user
        assert ours["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("user", ["0", "root", "-1", "2147483648", "1.5"])
def test_a_user_that_is_root_or_no_number_is_refused(user: str, webhook: Webhook) -> None:
    assert webhook.admit(pod_of({"loader_user": user})).codes == ["MC001"]


def test_pull_secrets_are_those_that_the_pod_lacks_and_only_with_an_init_container() -> None:
    webhook = Webhook(facts=facts_of({"loader_pull_secrets": ["registry", "own"]}))
    own: Json = {"imagePullSecrets": [{"name": "own"}]}
    spec = webhook.admit(pod_of(VERIFY, **own)).spec
    assert spec["imagePullSecrets"] == [{"name": "own"}, {"name": "registry"}]
    assert webhook.admit(pod_of(VERIFY)).spec["imagePullSecrets"] == [
        {"name": "registry"},
        {"name": "own"},
    ]
    assert webhook.admit(pod_of({"strategy": "pvc"}, **own)).spec["imagePullSecrets"] == [
        {"name": "own"}
    ]
    asked = {**VERIFY, "loader_pull_secrets": "mine"}
    spec = webhook.admit(pod_of(asked)).spec
    assert spec["imagePullSecrets"] == [{"name": "mine"}]
    assert named(spec["initContainers"], "modelcache-verify")
