"""`modelcache check --live` on a real API server: what it reads, and as whom."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.cli.command import Ran, modelcache
from tests.cluster.custom_resources.test_known_cluster import claim, deployment, pod
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.custom_resources import served
from tests.kubernetes.faulty_proxy import FaultyProxy, Spoilt
from tests.kubernetes.registration import NamespaceFactory, configured
from tests.kubernetes.rights import RBAC, entitled
from webhook.custom_resources.definitions import definitions

GROUP: Final = "modelcache.io"
V1: Final = f"{GROUP}/v1alpha1"
KINDS: Final = "namespaces,pvc,nodes,limitranges,resourcequotas,cachedmodels,cachepolicies"
NAMESPACED: Final = ("persistentvolumeclaims", "limitranges", "resourcequotas")
OURS: Final = ("cachedmodels", "cachepolicies")
ALL: Final = (
    "get namespaces", "list nodes", *(f"list {kind}" for kind in NAMESPACED),
    *(f"list {kind}.{GROUP}" for kind in OURS),
)  # fmt: skip
_numbers = itertools.count(1)


def policy(name: str, **spec: Any) -> Object:
    return {"apiVersion": V1, "kind": "CachePolicy", "metadata": {"name": name}, "spec": spec}


STRICT: Final = policy(
    "strict",
    namespaceSelector={"matchLabels": {"team": "live"}},
    defaults={"claim": "team-models"},
    rules={"pinnedRevisions": {"mode": "enforce", "except": ["*/excused*"]}},
)
MODEL: Final[Object] = {
    "apiVersion": V1,
    "kind": "CachedModel",
    "metadata": {"name": "small"},
    "spec": {"source": "acme/small@" + "a" * 40, "size": "1Gi"},
}


@pytest.fixture(scope="module")
def plane(cluster: ControlPlane) -> Iterator[ControlPlane]:
    """An API server with a policy, a model and a node."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "live"}}
    with served(cluster, definitions()), configured(cluster, [STRICT, MODEL, node]):
        yield cluster


@pytest.fixture
def team(plane: ControlPlane, namespace: NamespaceFactory) -> str:
    """A namespace that the policy selects, with a claim that only one pod can mount."""
    found = namespace({"team": "live"}, on=plane)
    obj = claim(found, "team-models")
    obj["spec"]["accessModes"] = ["ReadWriteOncePod"]
    plane.api.create(obj).expect(201)
    return found


@pytest.fixture
def elsewhere(plane: ControlPlane, namespace: NamespaceFactory) -> str:
    """A namespace that no policy selects, without a claim."""
    return namespace(on=plane)


Checked = Callable[..., Ran]


@pytest.fixture
def check(tmp_path: Path) -> Checked:
    """Judges objects by the cluster of a kubeconfig."""

    def run(kubeconfig: Path, *objects: Object, words: tuple[str | Path, ...] = ()) -> Ran:
        file = tmp_path / "applied.yaml"
        file.write_text(yaml.safe_dump_all(objects))
        return modelcache("check", "-f", file, "--live", "--kubeconfig", kubeconfig, *words)

    return run


def named(obj: Object, name: str) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "name": name}}


def pods(*namespaces: str) -> list[Object]:
    """Return objects of each namespace on which different facts have a bearing."""
    return [
        obj
        for ns in namespaces
        for obj in (
            named(pod(ns, model="acme/m", strategy="pvc"), "floating"),
            named(pod(ns, model="small", strategy="pvc"), "small"),
            named(pod(ns, model="small"), "auto"),
            named(pod(ns, model="acme/m", strategy="pvc"), "excused"),
            deployment(pod(ns, model="small", strategy="pvc")),
        )
    ]


def test_a_user_who_may_read_all_gets_the_verdicts_of_a_dump(
    plane: ControlPlane, team: str, elsewhere: str, check: Checked, tmp_path: Path
) -> None:
    user = entitled(plane, "reads-all", *ALL)
    live = check(user, *pods(team, elsewhere), words=("-o", "json"))
    assert (live.status, live.err) == (1, "")
    dump = plane.kubectl("get", KINDS, "--all-namespaces", "-o", "yaml")
    (tmp_path / "cluster.yaml").write_text(dump.stdout)
    by_dump = modelcache(
        "check", "-f", tmp_path / "applied.yaml", "-o", "json",
        "--cluster", tmp_path / "cluster.yaml", "--kube-version", plane.version(),
    )  # fmt: skip
    verdicts = json.loads(live.out)
    assert verdicts == json.loads(by_dump.out)
    found = [one["message"].partition(" ")[0] or one["verdict"] for one in verdicts]
    assert found == ["MC005", "MC005", "waits", "MC005", "MC005", *["waits"] * 5]
    assert [f["rule"] for f in verdicts[0]["findings"]] == ["pinnedRevisions"]


def test_a_user_who_may_read_nothing_is_told_so_and_nothing_is_refused(
    plane: ControlPlane, team: str, check: Checked
) -> None:
    user = plane.write_kubeconfig("reads-none", plane.authority.sign("reads-none"))
    ran = check(user, named(pod(team, model="acme/m", strategy="pvc"), "floating"))
    assert ran.status == 2
    assert ran.out.startswith("admitted pod/floating ")
    assert ran.err.splitlines()[-1] == (
        "modelcache: there is no permission to read anything in the cluster"
    )
    for kind in (*OURS, "nodes", *(f"{kind} of namespace {team}" for kind in NAMESPACED)):
        assert f"modelcache: {kind}: not known: " in ran.err
    assert 'User "reads-none" cannot list resource "cachepolicies"' in ran.err


def in_namespace(plane: ControlPlane, user: str, namespace: str) -> Path:
    """Return the kubeconfig of a user who may view one namespace, as a developer may."""
    group = "rbac.authorization.k8s.io"
    obj = {
        "apiVersion": RBAC,
        "kind": "RoleBinding",
        "metadata": {"name": user, "namespace": namespace},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    plane.api.create(obj).expect(201)
    return plane.write_kubeconfig(user, plane.authority.sign(user))


def test_a_user_of_one_namespace_is_judged_by_what_that_has_and_told_the_rest(
    plane: ControlPlane, team: str, elsewhere: str, check: Checked
) -> None:
    user = in_namespace(plane, f"developer-{next(_numbers)}", team)
    ours = named(pod(team, model="acme/m", claim="team-models"), "ours")
    theirs = named(pod(elsewhere, model="acme/m", strategy="pvc"), "theirs")
    ran = check(user, ours, theirs)
    assert ran.status == 1
    first, second = ran.out.splitlines()
    assert first.startswith("refused  pod/ours ")
    assert "MC005" in first
    assert "MC036" not in first, "the policy is not known"
    assert second.startswith("admitted pod/theirs ")
    unknown = [
        line.split(": not known: ")[0] for line in ran.err.splitlines() if "not known" in line
    ]
    assert unknown == [
        *(f"modelcache: {kind}" for kind in (*OURS, "nodes")),
        f"modelcache: namespaces of namespace {elsewhere}",
        *(f"modelcache: {kind} of namespace {elsewhere}" for kind in NAMESPACED),
    ]


def test_a_model_that_a_user_may_not_read_is_a_warning_and_no_refusal(
    plane: ControlPlane, team: str, check: Checked
) -> None:
    user = in_namespace(plane, f"developer-{next(_numbers)}", team)
    ran = check(user, named(pod(team, model="small", strategy="pvc"), "named"))
    assert ran.status == 0, ran.out
    assert ran.out.startswith("admitted pod/named ")
    said = 'MC143 modelcache.io/model: CachedModels could not be read, so it is not known which model "small" is'
    assert f": {said}\n" in ran.err
    wrong = named(pod(team, model="small", strategy="nonsense"), "wrong")
    refused = check(user, wrong)
    assert refused.status == 1
    assert refused.out.startswith("refused  pod/wrong ")
    assert "MC001" in refused.out
    assert "MC002" not in refused.out


@pytest.fixture
def proxy(plane: ControlPlane, tmp_path: Path) -> Iterator[FaultyProxy]:
    with FaultyProxy(plane, tmp_path) as found:
        yield found


def test_it_reads_each_kind_once_and_only_the_namespaces_that_matter(
    proxy: FaultyProxy, team: str, elsewhere: str, check: Checked
) -> None:
    asked: list[str] = []
    proxy.spoil = lambda _, path: asked.append(path)
    foreign = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": elsewhere}}
    foreign["spec"] = {"containers": [{"name": "c", "image": "busybox"}]}
    check(proxy.kubeconfig, *pods(team), foreign)
    page = "?limit=500"
    below = f"/api/v1/namespaces/{team}"
    assert sorted(asked) == sorted(
        [
            "/version",
            *(f"/apis/{V1}/{kind}{page}" for kind in OURS),
            below,
            *(f"{below}/{kind}{page}" for kind in NAMESPACED),
            f"/api/v1/nodes{page}",
        ]
    )


def test_it_asks_for_no_facts_if_no_object_concerns_us(
    proxy: FaultyProxy, elsewhere: str, check: Checked
) -> None:
    asked: list[str] = []
    proxy.spoil = lambda _, path: asked.append(path)
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": elsewhere}}
    assert check(proxy.kubeconfig, config).status == 0
    assert len(asked) == 3


def test_the_version_is_that_of_the_api_server_unless_another_is_named(
    proxy: FaultyProxy, elsewhere: str, check: Checked
) -> None:
    image = "r.example/m@sha256:" + "0" * 64
    obj = pod(elsewhere, model="acme/m", strategy="image", image=image)
    assert check(proxy.kubeconfig, obj).status == 0
    old = json.dumps({"major": "1", "minor": "30+"}).encode()
    proxy.spoil = lambda _, path: Spoilt(200, old) if path == "/version" else None
    ran = check(proxy.kubeconfig, obj)
    assert (ran.status, "MC007" in ran.out) == (1, True)
    assert check(proxy.kubeconfig, obj, words=("--kube-version", "1.36")).status == 0


def listed(*documents: Object) -> Spoilt:
    body = {"kind": "List", "metadata": {"resourceVersion": "1"}, "items": list(documents)}
    return Spoilt(200, json.dumps(body).encode())


def test_an_object_with_a_mistake_is_left_out_and_named_and_the_others_hold(
    proxy: FaultyProxy, team: str, check: Checked
) -> None:
    bad = policy("bad", defaults={"strategy": "telepathy"})
    newer = policy("newer", later={"a": 1}, defaults={"claim": "newer"})
    proxy.spoil = lambda _, path: listed(bad, newer) if "/cachepolicies" in path else None
    ran = check(proxy.kubeconfig, named(pod(team, model="acme/m", strategy="pvc"), "p"))
    assert ran.status == 0
    assert 'MC137 modelcache.io/claim: the pod waits, because "newer" does not exist' in ran.err
    assert "modelcache: CachePolicy bad: left out: " in ran.err
    assert '"telepathy"' in ran.err
    assert "modelcache: CachePolicy newer: spec.later is newer than this version" in ran.err


def test_a_policy_of_files_holds_too_and_one_of_the_same_name_does_not(
    plane: ControlPlane, elsewhere: str, check: Checked, tmp_path: Path
) -> None:
    same = policy("strict", defaults={"claim": "files"})
    files = [same, policy("files", defaults={"claim": "more"})]
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump_all(files))
    obj = named(pod(elsewhere, model="acme/m", strategy="pvc"), "p")
    ran = check(plane.kubeconfig, obj, words=("--policy", tmp_path / "policy.yaml"))
    assert 'because "more" does not exist' in ran.err
    assert "modelcache: CachePolicy strict: in --policy and in the cluster, which wins" in ran.err


def test_a_namespace_that_is_not_there_yet_has_no_claims_and_is_named(
    plane: ControlPlane, check: Checked
) -> None:
    ran = check(plane.kubeconfig, named(pod("not-there", model="acme/m", strategy="pvc"), "p"))
    assert ran.status == 0
    assert "MC137" in ran.err
    assert "modelcache: namespace not-there does not exist, so its labels are not known" in ran.err


def test_a_cluster_without_the_definitions_has_no_policies_and_that_is_said(
    proxy: FaultyProxy, elsewhere: str, check: Checked
) -> None:
    missing = Spoilt(404, b'{"kind":"Status","code":404,"message":"not found"}')
    proxy.spoil = lambda _, path: missing if f"/{GROUP}/" in path else None
    ran = check(proxy.kubeconfig, named(pod(elsewhere, model="acme/m", strategy="pvc"), "p"))
    assert ran.status == 0
    for kind in OURS:
        assert f"modelcache: {kind}: the definition is not installed in this cluster" in ran.err


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Spoilt(500, b'{"kind":"Status","message":"etcd is away"}'), "etcd is away"),
        (Spoilt(429, b'{"kind":"Status","message":"busy"}'), "busy"),
        (Spoilt(200, b"<html>Sign in</html>"), "can't be read"),
    ],
)
def test_an_answer_that_is_none_fails(
    proxy: FaultyProxy, elsewhere: str, check: Checked, fault: Spoilt, said: str
) -> None:
    proxy.spoil = lambda _, path: fault if "persistentvolumeclaims" in path else None
    ran = check(proxy.kubeconfig, pod(elsewhere, model="acme/m", strategy="pvc"))
    assert (ran.status, ran.out) == (2, "")
    where = f"http://127.0.0.1:{proxy.port}"
    assert ran.err.startswith(f"modelcache: the API server at {where} could not be queried: ")
    assert said in ran.err


SECRET: Final = "s3cr3t-token-of-a-user"


def with_token(plane: ControlPlane, folder: Path, server: str) -> Path:
    """Return a kubeconfig with a token that no API server accepts."""
    config = yaml.safe_load(plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = server
    config["users"][0]["user"] = {"token": SECRET}
    path = folder / "token.kubeconfig"
    path.write_text(json.dumps(config))
    return path


def test_credentials_that_are_not_accepted_are_named_and_not_shown(
    plane: ControlPlane, elsewhere: str, check: Checked, tmp_path: Path
) -> None:
    user = with_token(plane, tmp_path, plane.url)
    ran = check(user, pod(elsewhere, model="acme/m", strategy="pvc"))
    assert (ran.status, ran.out) == (2, "")
    assert "it does not accept our credentials" in ran.err
    assert SECRET not in ran.err


def test_an_api_server_that_is_away_is_named_without_a_password(
    plane: ControlPlane, elsewhere: str, check: Checked, tmp_path: Path
) -> None:
    port = plane.host.free_port()
    user = with_token(plane, tmp_path, f"https://ada:{SECRET}@127.0.0.1:{port}")
    ran = check(user, pod(elsewhere, model="acme/m", strategy="pvc"))
    assert (ran.status, ran.out) == (2, "")
    assert f"the API server at https://127.0.0.1:{port} could not be queried" in ran.err
    assert SECRET not in ran.err


def test_inject_asks_the_cluster_too(plane: ControlPlane, team: str, tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(yaml.safe_dump(named(pod(team, model="small", shm_size="0"), "p")))
    ran = modelcache("inject", "-f", file, "--live", "--kubeconfig", plane.kubeconfig, "-o", "json")
    assert ran.status in (0, 1)
    assert "team-models" in ran.out + ran.err
